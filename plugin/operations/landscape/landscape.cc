// strop landscape: the loss around trained weights, over a plane of random directions or of a
// training's path, as a page, pictures and numbers.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/cli/command.h"
#include "plugin/cli/landscape/landscape_grid_file.h"
#include "plugin/cli/landscape/landscape_path.h"
#include "plugin/cli/landscape/landscape_summary.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/split.h"
#include "plugin/options/landscape_options.h"
#include "plugin/options/outcome.h"
#include "plugin/report/contour_picture.h"
#include "plugin/report/landscape_page.h"
#include "plugin/training/exploration/path_plane.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

std::string GridPathOf(const LandscapeArguments& arguments) {
  if (!arguments.grid.empty()) return arguments.grid;
  return fs::path(arguments.output).replace_extension(".npz").string();
}

void CompletePaths(const LandscapeArguments& arguments, std::vector<CommandPath>& paths) {
  if (!arguments.grid.empty()) return;
  paths.push_back({"the grid beside -o", GridPathOf(arguments), PathRole::kOutputFile});
}

// How the losses are computed: what a grid's key and the page say.
struct Measurement {
  EvaluationOptions evaluation;
  int64_t samples = 0;
  int jobs = 1;
  int threads = 1;  // a job
};

// The model, the plane and where the paths lie in it.
struct Subject {
  ImportedModel model;
  std::shared_ptr<WeightPlane> plane;
  std::vector<TrainingPath> paths;
  std::vector<PlanePosition> positions;  // of all paths' points
  std::array<double, 2> explained = {0, 0};
  LossGrid grid;  // empty
};

absl::Status AddPaths(const LandscapeArguments& arguments, Subject& subject) {
  for (const std::vector<std::string>& files : arguments.paths) {
    const std::string name = absl::StrCat(fs::path(files.front()).stem().string(), " … ",
                                          fs::path(files.back()).stem().string());
    STROP_ASSIGN_OR_RETURN(TrainingPath path,
                           ReadPath(name, files, subject.model, arguments.model));
    subject.paths.push_back(std::move(path));
  }
  for (const std::string& folder : arguments.run_directories) {
    STROP_ASSIGN_OR_RETURN(const std::vector<std::string> files, CheckpointsOfRun(folder));
    STROP_ASSIGN_OR_RETURN(TrainingPath path,
                           ReadPath(folder, files, subject.model, arguments.model));
    subject.paths.push_back(std::move(path));
  }
  return absl::OkStatus();
}

// From the least to the greatest position and the trained weights, and the margin around.
std::vector<double> AxisAround(std::vector<double> positions, double margin, int64_t resolution) {
  positions.push_back(0);
  const auto [low, high] = std::minmax_element(positions.begin(), positions.end());
  const double room = (*high - *low) * margin;
  return EvenlySpaced(*low - room, *high + room, resolution);
}

absl::Status LayPlane(const LandscapeArguments& arguments, Subject& subject) {
  subject.plane = std::make_shared<WeightPlane>();
  WeightPlane& plane = *subject.plane;
  plane.center = TrainedWeights(subject.model);
  if (plane.center.empty()) {
    return absl::InvalidArgumentError(
        "landscape: the model has no trained tensor; see \"strop inspect\", and choose some with "
        "--train");
  }
  if (subject.paths.empty()) {
    const uint64_t seed = arguments.model.seed;
    STROP_ASSIGN_OR_RETURN(plane.x_direction,
                           RandomDirection(subject.model, plane.center, seed, 0));
    STROP_ASSIGN_OR_RETURN(plane.y_direction,
                           RandomDirection(subject.model, plane.center, seed, 1));
    const double range = arguments.range.value_or(1);
    const std::vector<double> axis = EvenlySpaced(-range, range, arguments.resolution);
    subject.grid = EmptyGrid(axis, axis);
    return absl::OkStatus();
  }
  std::vector<WeightVector> points;
  for (const TrainingPath& path : subject.paths) {
    for (const TrainingPath::Point& point : path.points) points.push_back(point.weights);
  }
  STROP_ASSIGN_OR_RETURN(PathPlane path_plane, PlaneOfPath(plane.center, points));
  plane = std::move(path_plane.plane);
  subject.positions = std::move(path_plane.positions);
  subject.explained = path_plane.explained;
  std::vector<double> x;
  std::vector<double> y;
  for (const PlanePosition& position : subject.positions) {
    x.push_back(position.x);
    y.push_back(position.y);
  }
  const double margin = arguments.margin.value_or(0.25);
  subject.grid = EmptyGrid(AxisAround(std::move(x), margin, arguments.resolution),
                           AxisAround(std::move(y), margin, arguments.resolution));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenSamples(const LandscapeArguments& arguments,
                                                        const ImportedModel& model) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data,
                         OpenFor(model, arguments.data.location, arguments.data, {}));
  int64_t count = 0;
  if (!absl::SimpleAtoi(arguments.samples, &count) || count >= data->sample_count()) return data;
  return RandomSubset(std::move(data), count, arguments.model.seed);
}

absl::StatusOr<Measurement> MeasurementOf(const LandscapeArguments& arguments,
                                          const ImportedModel& model) {
  Measurement measurement;
  STROP_ASSIGN_OR_RETURN(measurement.evaluation.loss, LossOptionsOf(arguments.loss));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<DataSource> data, OpenSamples(arguments, model));
  measurement.samples = data->sample_count();
  const int64_t batch_size = BatchSizeOf(arguments.data.batch_size, model, 32);
  measurement.evaluation.batch_size = batch_size == 0 ? measurement.samples : batch_size;
  const int threads = TeamSize::Of(arguments.model.plan.threads);
  measurement.jobs = arguments.jobs > 0 ? arguments.jobs : threads;
  measurement.threads = std::max(1, threads / measurement.jobs);
  return measurement;
}

absl::StatusOr<std::unique_ptr<PlaneEvaluator>> NewEvaluator(const LandscapeArguments& arguments,
                                                             const Measurement& measurement,
                                                             const Subject& subject,
                                                             int threads = 0) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data, OpenSamples(arguments, subject.model));
  PlanOptions plan = arguments.model.plan;
  if (threads > 0) plan.threads = threads;
  return PlaneEvaluator::Create(subject.model, measurement.evaluation, std::move(data),
                                subject.plane, plan);
}

// Everything that the numbers depend on, as far as it can be said; the center's loss, to the bit,
// stands for the rest.
std::string KeyOf(const LandscapeArguments& arguments, const Measurement& measurement,
                  const Subject& subject, double center_loss) {
  uint64_t center_bits = 0;
  std::memcpy(&center_bits, &center_loss, sizeof(center_bits));
  const nlohmann::ordered_json key = {
      {"format", 1},
      {"model", arguments.model.path},
      {"data", arguments.data.location},
      {"samples", measurement.samples},
      {"batch size", measurement.evaluation.batch_size},
      {"loss", arguments.loss.loss},
      {"precision", arguments.model.precision},
      {"seed", arguments.model.seed},
      {"selection",
       {arguments.model.selection.train, arguments.model.selection.train_only,
        arguments.model.selection.freeze}},
      {"paths", arguments.paths},
      {"runs", arguments.run_directories},
      {"threads a job", measurement.threads},
      {"x", subject.grid.x},
      {"y", subject.grid.y},
      {"bits of the center's loss", center_bits}};
  return key.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Names the first setting in which a file's key differs from ours.
std::string DifferenceOf(const std::string& found, const std::string& expected) {
  const auto theirs = nlohmann::ordered_json::parse(found, nullptr, /*allow_exceptions=*/false);
  const auto ours = nlohmann::ordered_json::parse(expected);
  for (const auto& [name, value] : ours.items()) {
    if (!theirs.is_object() || !theirs.contains(name) || theirs[name] != value) return name;
  }
  return "settings";
}

// The points of an earlier run with the same key.
absl::Status TakeOver(const std::string& path, GridFile& file) {
  STROP_ASSIGN_OR_RETURN(std::optional<GridFile> found, ReadGridFile(path));
  if (!found) return absl::OkStatus();
  if (found->key == file.key) {
    file.grid = std::move(found->grid);
    return absl::OkStatus();
  }
  std::fprintf(stderr, "note: \"%s\" holds another landscape (its %s differs); starting anew\n",
               path.c_str(), DifferenceOf(found->key, file.key).c_str());
  return absl::OkStatus();
}

void SetCenter(GridFile& file) {
  LossGrid& grid = file.grid;
  for (size_t point = 0; point < grid.loss.size(); ++point) {
    if (grid.x[point % grid.x.size()] != 0 || grid.y[point / grid.x.size()] != 0) continue;
    grid.loss[point] = file.center_loss;
    grid.is_done[point] = 1;
  }
}

absl::Status MeasureGrid(const LandscapeArguments& arguments, const Measurement& measurement,
                         const Subject& subject, GridFile& file) {
  constexpr auto kBetweenSaves = std::chrono::seconds(5);
  const std::string path = GridPathOf(arguments);
  STROP_RETURN_IF_ERROR(TakeOver(path, file));
  SetCenter(file);
  std::vector<std::unique_ptr<PlaneEvaluator>> evaluators(static_cast<size_t>(measurement.jobs));
  for (std::unique_ptr<PlaneEvaluator>& evaluator : evaluators) {
    STROP_ASSIGN_OR_RETURN(evaluator,
                           NewEvaluator(arguments, measurement, subject, measurement.threads));
  }
  auto last_save = std::chrono::steady_clock::now();
  {
    ProgressBar bar("landscape", file.grid.point_count(), file.grid.done_count());
    GridCallbacks callbacks;
    callbacks.should_stop = [] { return CaughtSignal() != 0; };
    callbacks.on_progress = [&](const LossGrid& grid) -> absl::Status {
      bar.Update(grid.done_count());
      const auto now = std::chrono::steady_clock::now();
      if (now - last_save < kBetweenSaves) return absl::OkStatus();
      last_save = now;
      return WriteGridFile(path, file);
    };
    STROP_RETURN_IF_ERROR(FillGrid(evaluators, measurement.threads, callbacks, file.grid));
  }
  STROP_RETURN_IF_ERROR(WriteGridFile(path, file));
  if (file.grid.done_count() == file.grid.point_count()) return absl::OkStatus();
  return StoppedBySignal(CaughtSignal(), absl::StrCat("after ", file.grid.done_count(), " of ",
                                                      file.grid.point_count(), " points; \"", path,
                                                      "\" holds them, the same command goes on"));
}

absl::Status WriteDirections(const LandscapeArguments& arguments, const WeightPlane& plane) {
  if (arguments.directions.empty()) return absl::OkStatus();
  std::vector<NamedTensor> arrays;
  for (const auto& [name, tensor] : plane.x_direction) arrays.push_back({"x/" + name, tensor});
  for (const auto& [name, tensor] : plane.y_direction) arrays.push_back({"y/" + name, tensor});
  return WriteNpz(arguments.directions, arrays);
}

absl::Status WritePicture(const std::string& path, const Landscape& landscape,
                          PictureFormat format) {
  if (path.empty()) return absl::OkStatus();
  Field field = FieldOf(landscape);
  field.title = absl::StrCat("Loss landscape of ", landscape.model);
  STROP_ASSIGN_OR_RETURN(const std::string picture, DrawContourPicture(field, format));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(picture));
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

absl::StatusOr<std::vector<LandscapePath>> MeasurePaths(const Subject& subject,
                                                        PlaneEvaluator& evaluator) {
  std::vector<LandscapePath> drawn;
  size_t position = 0;
  for (const TrainingPath& path : subject.paths) {
    drawn.push_back({path.name, {}});
    for (const TrainingPath::Point& point : path.points) {
      STROP_ASSIGN_OR_RETURN(const double loss, evaluator.LossOf(point.states));
      drawn.back().points.push_back({point.label, subject.positions[position++], loss});
    }
  }
  return drawn;
}

std::vector<std::pair<std::string, std::string>> SettingsOf(const LandscapeArguments& arguments,
                                                            const Measurement& measurement,
                                                            const Subject& subject) {
  std::vector<std::pair<std::string, std::string>> settings = {
      {"model", arguments.model.path},
      {"data", arguments.data.location},
      {"samples",
       absl::StrCat(measurement.samples, ", in batches of ", measurement.evaluation.batch_size)},
      {"trained tensors", absl::StrCat(subject.plane->center.size())},
      {"precision", arguments.model.precision},
      {"seed", absl::StrCat(arguments.model.seed)},
      {"numbers", GridPathOf(arguments)}};
  for (const TrainingPath& path : subject.paths) {
    settings.push_back({path.name, absl::StrCat(path.points.size(), " checkpoints")});
  }
  return settings;
}

absl::Status RunLandscape(const LandscapeArguments& arguments) {
  STROP_RETURN_IF_ERROR(CheckLandscapeArguments(arguments));
  if (!arguments.png.empty() || !arguments.svg.empty()) {
    STROP_RETURN_IF_ERROR(CheckPicturesCanBeDrawn());
  }
  Subject subject;
  STROP_ASSIGN_OR_RETURN(subject.model, LoadModel(arguments.model));
  STROP_RETURN_IF_ERROR(AddPaths(arguments, subject));
  STROP_RETURN_IF_ERROR(LayPlane(arguments, subject));
  STROP_RETURN_IF_ERROR(WriteDirections(arguments, *subject.plane));
  STROP_ASSIGN_OR_RETURN(const Measurement measurement, MeasurementOf(arguments, subject.model));

  Landscape landscape;
  GridFile file;
  {
    // With all threads, as `strop evaluate` does it: the same loss to the bit.
    STROP_ASSIGN_OR_RETURN(const std::unique_ptr<PlaneEvaluator> evaluator,
                           NewEvaluator(arguments, measurement, subject));
    arguments.model.listener.TellNote(evaluator->note());
    STROP_ASSIGN_OR_RETURN(file.center_loss, evaluator->LossAt(0, 0));
    STROP_ASSIGN_OR_RETURN(landscape.paths, MeasurePaths(subject, *evaluator));
  }
  file.grid = subject.grid;
  file.key = KeyOf(arguments, measurement, subject, file.center_loss);
  CatchStopSignals();
  STROP_RETURN_IF_ERROR(MeasureGrid(arguments, measurement, subject, file));

  landscape.model = fs::path(arguments.model.path).filename().string();
  landscape.loss_name = arguments.loss.loss;
  landscape.grid = std::move(file.grid);
  landscape.center_loss = file.center_loss;
  landscape.sample_count = measurement.samples;
  landscape.explained = subject.explained;
  landscape.settings = SettingsOf(arguments, measurement, subject);
  STROP_RETURN_IF_ERROR(WritePicture(arguments.png, landscape, PictureFormat::kPng));
  STROP_RETURN_IF_ERROR(WritePicture(arguments.svg, landscape, PictureFormat::kSvg));
  STROP_RETURN_IF_ERROR(LandscapePage(landscape).Write(arguments.output));
  PrintSummary(arguments, GridPathOf(arguments), landscape);
  return absl::OkStatus();
}

}  // namespace

Command LandscapeCommand() {
  const auto arguments = std::make_shared<LandscapeArguments>();
  arguments->model.listener = arguments->data.listener = TerminalListener();
  Command command{
      .name = "landscape",
      .help = "The loss around the trained weights, as a page, pictures and numbers",
      .footer =
          "Examples:\n"
          "  strop landscape tuned.onnx --data test.npz --loss cross_entropy -o landscape.html\n"
          "  strop landscape tuned.onnx --data test.npz --run-directory runs/sgd \\\n"
          "      --run-directory runs/adam -o paths.html --svg paths.svg",
      .run = [arguments] { return RunLandscape(*arguments); },
      .complete_paths =
          [arguments](std::vector<CommandPath>& paths) { CompletePaths(*arguments, paths); }};
  AddLandscapeOptions(*command.options, *arguments);
  return command;
}

}  // namespace strop
