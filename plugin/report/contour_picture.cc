#include "plugin/report/contour_picture.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "exporter/scratch_folder.h"
#include "graph/status_macros.h"

extern char** environ;

namespace strop {
namespace {

constexpr int kRefinement = 8;  // colored cells between two neighbouring numbers
constexpr int kLevels = 20;     // contour lines

// Viridis (van der Walt and Smith, matplotlib, CC0) at eighths.
constexpr char kPalette[] =
    "0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', "
    "6 '#5ec962', 7 '#addc30', 8 '#fde725'";
constexpr const char* kPathColors[] = {"#e8402a", "#ff9f1c", "#ff4fa3",
                                       "#ffffff", "#2b2b2b", "#b388ff"};

// Single quotes: gnuplot takes everything between them as it is.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}, {"\n", " "}, {"\r", " "}}), "'");
}

std::string Number(double number) {
  return std::isfinite(number) ? absl::StrFormat("%.9g", number) : "NaN";
}

// Position of `value` between its neighbours in ascending `axis`.
struct Place {
  size_t index;
  double fraction;
};
Place PlaceOf(const std::vector<double>& axis, double value) {
  if (axis.size() < 2) return {0, 0};
  const auto above = std::upper_bound(axis.begin(), axis.end(), value);
  const auto index = static_cast<size_t>(std::clamp<std::ptrdiff_t>(
      above - axis.begin() - 1, 0, static_cast<std::ptrdiff_t>(axis.size()) - 2));
  const double fraction = (value - axis[index]) / (axis[index + 1] - axis[index]);
  return {index, std::clamp(fraction, 0.0, 1.0)};
}

std::vector<double> Refined(const std::vector<double>& axis) {
  std::vector<double> fine;
  for (size_t i = 0; i + 1 < axis.size(); ++i) {
    for (int part = 0; part < kRefinement; ++part) {
      fine.push_back(axis[i] + (axis[i + 1] - axis[i]) * part / kRefinement);
    }
  }
  fine.push_back(axis.back());
  return fine;
}

// gnuplot's "nonuniform matrix": the x in the first row, a y in front of each further one.
void AppendMatrix(const std::string& name, const Field& field, const std::vector<double>& x,
                  const std::vector<double>& y, std::string& script) {
  absl::StrAppend(&script, "$", name, " << EOD\n", x.size());
  for (const double value : x) absl::StrAppend(&script, " ", Number(value));
  for (const double row : y) {
    absl::StrAppend(&script, "\n", Number(row));
    for (const double column : x) {
      absl::StrAppend(&script, " ", Number(ValueAt(field, column, row)));
    }
  }
  absl::StrAppend(&script, "\nEOD\n");
}

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

Extent ExtentOf(const Field& field) {
  Extent extent;
  for (const double value : field.values) {
    if (!std::isfinite(value) || (field.is_log && value <= 0)) continue;
    extent.low = std::min(extent.low, value);
    extent.high = std::max(extent.high, value);
  }
  return extent;
}

std::vector<std::string> ContourLevels(const Field& field, const Extent& extent) {
  const auto [low, high] = extent;
  std::vector<std::string> levels;
  for (int i = 1; i < kLevels && low < high; ++i) {
    const double share = static_cast<double>(i) / kLevels;
    levels.push_back(
        Number(field.is_log ? low * std::pow(high / low, share) : low + (high - low) * share));
  }
  return levels;
}

std::string Script(const Field& field, PictureFormat format) {
  std::string script =
      format == PictureFormat::kPng
          ? "set terminal pngcairo size 1600,1280 font 'sans,24' linewidth 2 noenhanced\n"
          : "set terminal svg size 900,720 font 'sans,14' noenhanced background 'white'\n";
  absl::StrAppend(&script, "set title ", Quoted(field.title), "\nset xlabel ",
                  Quoted(field.x_title), "\nset ylabel ", Quoted(field.y_title), "\nset cblabel ",
                  Quoted(field.z_title), "\nset palette defined (", kPalette, ")\n",
                  "set tics out nomirror\nset key outside top center horizontal\n");
  if (field.is_log) absl::StrAppend(&script, "set logscale cb\n");
  const auto range = [](const std::vector<double>& axis) {
    return absl::StrCat("[", Number(axis.front()), ":", Number(axis.back()), "]");
  };
  AppendMatrix("grid", field, field.x, field.y, script);
  AppendMatrix("fine", field, Refined(field.x), Refined(field.y), script);
  const Extent extent = ExtentOf(field);
  const std::vector<std::string> levels = ContourLevels(field, extent);
  std::string plots = "$fine nonuniform matrix with image notitle";
  if (!levels.empty()) {
    absl::StrAppend(&script, "set contour base\nunset surface\nset cntrparam levels discrete ",
                    absl::StrJoin(levels, ","), "\nset table $lines\n",
                    "splot $grid nonuniform matrix with lines notitle\nunset table\n");
    absl::StrAppend(&plots, ", $lines with lines linecolor '#ffffff' linewidth 0.4 notitle");
  }
  for (size_t i = 0; i < field.paths.size(); ++i) {
    const Field::Path& path = field.paths[i];
    const char* color = kPathColors[path.x.size() == 1 ? 0 : i % std::size(kPathColors)];
    absl::StrAppend(&script, "$path", i, " << EOD\n");
    for (size_t p = 0; p < path.x.size(); ++p) {
      absl::StrAppend(&script, Number(path.x[p]), " ", Number(path.y[p]), "\n");
    }
    absl::StrAppend(&script, "EOD\n");
    absl::StrAppend(&plots, ", $path", i, " with ",
                    path.x.size() == 1 ? "points pointtype 13 pointsize 1.5"
                                       : "linespoints linewidth 2 pointtype 7 pointsize 0.6",
                    " linecolor '", color, "' title ", Quoted(path.name));
  }
  // Only now: gnuplot holds matrices in single precision, and would drop their edges before.
  absl::StrAppend(&script, "set xrange ", range(field.x), "\nset yrange ", range(field.y), "\n");
  if (!levels.empty()) {
    absl::StrAppend(&script, "set cbrange ", range({extent.low, extent.high}), "\n");
  }
  return absl::StrCat(script, "plot ", plots, "\n");
}

// A file that is gone when the program forgets it.
class ScratchFile {
 public:
  ScratchFile(const std::string& folder, const std::string& contents)
      : path_(folder + "/strop-plot-XXXXXX") {
    descriptor_ = mkostemp(path_.data(), O_CLOEXEC);
    is_written_ = descriptor_ >= 0 && write(descriptor_, contents.data(), contents.size()) ==
                                          static_cast<ssize_t>(contents.size());
  }
  ~ScratchFile() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    unlink(path_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  bool is_written() const { return is_written_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  bool is_written_ = false;
};

// What gnuplot prints for these arguments.
absl::StatusOr<std::string> RunGnuplot(std::vector<std::string> arguments) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("picture: ", std::strerror(errno)));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  arguments.insert(arguments.begin(), "gnuplot");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  std::string output;
  char buffer[1 << 14];
  for (ssize_t count = 0; error == 0; output.append(buffer, static_cast<size_t>(count))) {
    count = read(pipe_ends[0], buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR)
      count = 0;
    else if (count <= 0)
      break;
  }
  close(pipe_ends[0]);
  if (error == ENOENT) {
    return absl::NotFoundError(
        "picture: found no program \"gnuplot\", which draws PNG and SVG; install gnuplot-nox, or "
        "leave --png and --svg out");
  }
  int status = 0;
  if (error == 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  return absl::InternalError("picture: gnuplot failed; what it says is above");
}

}  // namespace

double ValueAt(const Field& field, double x, double y) {
  const Place column = PlaceOf(field.x, x);
  const Place row = PlaceOf(field.y, y);
  const auto at = [&](size_t i, size_t j) {
    const size_t width = field.x.size();
    const size_t last = field.values.size() - 1;
    return field.values[std::min(j * width + i, last)];
  };
  const auto between = [](double a, double b, double fraction) {
    if (fraction == 0) return a;  // a neighbour that is not finite does not matter then
    return fraction == 1 ? b : a * (1 - fraction) + b * fraction;
  };
  return between(
      between(at(column.index, row.index), at(column.index + 1, row.index), column.fraction),
      between(at(column.index, row.index + 1), at(column.index + 1, row.index + 1),
              column.fraction),
      row.fraction);
}

absl::Status CheckPicturesCanBeDrawn() {
  STROP_RETURN_IF_ERROR(ScratchFolder().status());
  return RunGnuplot({"--version"}).status();
}

absl::StatusOr<std::string> DrawContourPicture(const Field& field, PictureFormat format) {
  STROP_ASSIGN_OR_RETURN(const std::string folder, ScratchFolder());
  const ScratchFile script(folder, Script(field, format));
  if (!script.is_written()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("picture: cannot write \"", script.path(), "\": ", std::strerror(errno)));
  }
  return RunGnuplot({"-d", script.path()});
}

}  // namespace strop
