#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/report/chart.h"

namespace strop {

enum class PictureFormat { kPng, kSvg };

// Whether pictures can be drawn here: NotFound when gnuplot is not installed.
absl::Status CheckPicturesCanBeDrawn();

// The bytes of a picture of the field from above, with its contour lines and paths: what
// DrawContour shows, for papers and slides. Drawn by the program gnuplot. NotFound without it,
// Internal when it fails.
absl::StatusOr<std::string> DrawContourPicture(const Field& field, PictureFormat format);

// The field's value at a point within it, linear between the nearest four; at the edge outside.
double ValueAt(const Field& field, double x, double y);

}  // namespace strop
