#pragma once

#include "graph/graph.h"

namespace strop {

// Numbers between -0.5 and 0.5, the same for the same seed.
Tensor RandomTensor(Shape shape, uint64_t seed);

// One step of gradient descent of a small convolutional network: input "x" [batch,3,height,width],
// output the loss, states w1, scale, bias, w2, w3, b3.
Graph SmallTrainingGraph();

}  // namespace strop
