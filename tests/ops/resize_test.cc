#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Ints = std::vector<int64_t>;

InputCase Scales(const std::vector<float>& scales) {
  return ConstantTensor(Tensor::FromVector<float>({static_cast<int64_t>(scales.size())}, scales));
}

OpCase ByScales(Shape x, const std::vector<float>& scales, Attributes attributes) {
  OpCase row;
  row.op = "Resize";
  row.inputs = {Uniform(std::move(x)), Absent(), Scales(scales)};
  row.attributes = std::move(attributes);
  return row;
}

OpCase BySizes(Shape x, Ints sizes, Attributes attributes) {
  OpCase row;
  row.op = "Resize";
  row.inputs = {Uniform(std::move(x)), Absent(), Absent(), ConstantIntegers(std::move(sizes))};
  row.attributes = std::move(attributes);
  return row;
}

const std::string kModes[] = {"nearest", "linear", "cubic"};
const std::string kCoordinates[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                                    "align_corners", "asymmetric"};

TEST(Resize, EveryModeAndCoordinate) {
  for (const std::string& mode : kModes) {
    for (const std::string& coordinates : kCoordinates) {
      const Attributes attributes = {{"mode", mode},
                                     {"coordinate_transformation_mode", coordinates}};
      CheckOp(ByScales({1, 2, 4, 5}, {1, 1, 2, 1.6F}, attributes));
      CheckOp(ByScales({1, 2, 7, 5}, {1, 1, 0.6F, 0.7F}, attributes));
      CheckOp(BySizes({2, 1, 3, 4}, {2, 1, 5, 1}, attributes));
    }
  }
}

TEST(Resize, NearestModes) {
  for (const std::string nearest : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}) {
    CheckOp(ByScales({1, 1, 5}, {1, 1, 1.7F}, {{"nearest_mode", nearest}}));
    CheckOp(ByScales({1, 1, 6}, {1, 1, 0.5F}, {{"nearest_mode", nearest}}));
  }
}

TEST(Resize, Antialias) {
  for (const std::string mode : {"linear", "cubic"}) {
    for (const int64_t exclude : {0, 1}) {
      CheckOp(ByScales({1, 2, 9, 8}, {1, 1, 0.4F, 0.6F},
                       {{"mode", mode}, {"antialias", int64_t{1}}, {"exclude_outside", exclude}}));
    }
  }
}

TEST(Resize, ExcludeOutsideAndCubicCoefficient) {
  CheckOp(ByScales(
      {1, 1, 4, 4}, {1, 1, 2, 2},
      {{"mode", std::string("cubic")}, {"exclude_outside", int64_t{1}}, {"cubic_coeff_a", -0.5}}));
}

TEST(Resize, AxesAndAspectRatio) {
  CheckOp(BySizes({2, 3, 4, 6}, {8, 9}, {{"axes", Ints{2, 3}}}));
  CheckOp(BySizes({4, 6, 2}, {5, 9}, {{"axes", Ints{-2, 0}}}));
  for (const std::string policy : {"stretch", "not_larger", "not_smaller"}) {
    CheckOp(BySizes({1, 1, 4, 6}, {7, 9},
                    {{"axes", Ints{2, 3}},
                     {"keep_aspect_ratio_policy", policy},
                     {"mode", std::string("linear")}}));
  }
}

TEST(Resize, CropAndResize) {
  for (const std::string& mode : kModes) {
    OpCase row = BySizes({1, 1, 5, 6}, {1, 1, 4, 3},
                         {{"mode", mode},
                          {"coordinate_transformation_mode", std::string("tf_crop_and_resize")},
                          {"extrapolation_value", 7.0}});
    row.inputs[1] = Scales({0, 0, 0.2F, -0.3F, 1, 1, 1.4F, 0.8F});
    CheckOp(row);
  }
}

TEST(Resize, BatchAndChannelsToo) {
  CheckOp(ByScales({2, 3, 4}, {2, 1.5F, 0.5F}, {{"mode", std::string("linear")}}));
}

// Numbers of ONNX's own documentation tests.
TEST(Resize, KnownNumbers) {
  OpCase row = ByScales({1, 1, 2, 4}, {1, 1, 0.6F, 0.6F},
                        {{"mode", std::string("linear")},
                         {"coordinate_transformation_mode", std::string("align_corners")}});
  row.inputs[0] = Fixed(Tensor::FromVector<float>({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const std::vector<Tensor> outputs = RunInDouble(row);
  ASSERT_EQ(outputs[0].shape(), (Shape{1, 1, 1, 2}));
  EXPECT_NEAR(outputs[0].elements<double>()[0], 1, 1e-6);
  EXPECT_NEAR(outputs[0].elements<double>()[1], 3.142857, 1e-6);
}

}  // namespace
}  // namespace strop
