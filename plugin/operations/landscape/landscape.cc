#include "plugin/operations/landscape/landscape.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/split.h"
#include "plugin/operations/landscape/landscape_grid_file.h"
#include "plugin/operations/landscape/landscape_subject.h"
#include "plugin/options/outcome.h"
#include "plugin/report/contour_picture.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// How the losses are computed: what a grid's key and the page say.
struct Measurement {
  EvaluationOptions evaluation;
  int64_t samples = 0;
  int jobs = 1;
  int threads = 1;  // a job
};

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
                                                             const LandscapeSubject& subject,
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
                  const LandscapeSubject& subject, double center_loss) {
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
absl::Status TakeOver(const std::string& path, const Listener& listener, GridFile& file) {
  STROP_ASSIGN_OR_RETURN(std::optional<GridFile> found, ReadGridFile(path));
  if (!found) return absl::OkStatus();
  if (found->key == file.key) {
    file.grid = std::move(found->grid);
    return absl::OkStatus();
  }
  listener.note(absl::StrCat("\"", path, "\" holds another landscape (its ",
                             DifferenceOf(found->key, file.key), " differs); starting anew"));
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
                         const LandscapeSubject& subject, const std::function<bool()>& should_stop,
                         GridFile& file) {
  constexpr auto kBetweenSaves = std::chrono::seconds(5);
  const std::string path = GridPathOf(arguments);
  const Listener& listener = arguments.model.listener;
  STROP_RETURN_IF_ERROR(TakeOver(path, listener, file));
  SetCenter(file);
  std::vector<std::unique_ptr<PlaneEvaluator>> evaluators(static_cast<size_t>(measurement.jobs));
  for (std::unique_ptr<PlaneEvaluator>& evaluator : evaluators) {
    STROP_ASSIGN_OR_RETURN(evaluator,
                           NewEvaluator(arguments, measurement, subject, measurement.threads));
  }
  auto last_save = std::chrono::steady_clock::now();
  const auto tell_progress = [&](int64_t done) {
    listener.progress(kLandscape.name, done, file.grid.point_count());
  };
  tell_progress(file.grid.done_count());
  GridCallbacks callbacks;
  callbacks.should_stop = should_stop;
  callbacks.on_progress = [&](const LossGrid& grid) -> absl::Status {
    tell_progress(grid.done_count());
    const auto now = std::chrono::steady_clock::now();
    if (now - last_save < kBetweenSaves) return absl::OkStatus();
    last_save = now;
    return WriteGridFile(path, file);
  };
  STROP_RETURN_IF_ERROR(FillGrid(evaluators, measurement.threads, callbacks, file.grid));
  STROP_RETURN_IF_ERROR(WriteGridFile(path, file));
  if (file.grid.done_count() == file.grid.point_count()) {
    tell_progress(file.grid.point_count());
    return absl::OkStatus();
  }
  return Stopped(absl::StrCat("after ", file.grid.done_count(), " of ", file.grid.point_count(),
                              " points; \"", path, "\" holds them, the same command goes on"));
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

absl::StatusOr<std::vector<LandscapePath>> MeasurePaths(const LandscapeSubject& subject,
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
                                                            const LandscapeSubject& subject) {
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

LandscapeOutcome Summarized(Landscape landscape, const LandscapeArguments& arguments) {
  double least = std::numeric_limits<double>::quiet_NaN();
  double greatest = least;
  for (const double loss : landscape.grid.loss) {  // those that are numbers
    least = std::fmin(least, loss);
    greatest = std::fmax(greatest, loss);
  }
  return {std::move(landscape), least, greatest, arguments.output, GridPathOf(arguments)};
}

}  // namespace

absl::StatusOr<LandscapeOutcome> MeasureLandscape(const LandscapeArguments& arguments,
                                                  const std::function<bool()>& should_stop) {
  STROP_RETURN_IF_ERROR(CheckLandscapeArguments(arguments));
  if (!arguments.png.empty() || !arguments.svg.empty()) {
    STROP_RETURN_IF_ERROR(CheckPicturesCanBeDrawn());
  }
  STROP_ASSIGN_OR_RETURN(const LandscapeSubject subject, ReadSubject(arguments));
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
  if (should_stop && should_stop()) return Stopped("before the first point");
  STROP_RETURN_IF_ERROR(MeasureGrid(arguments, measurement, subject, should_stop, file));

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
  return Summarized(std::move(landscape), arguments);
}

nlohmann::ordered_json ToJson(const LandscapeOutcome& outcome) {
  nlohmann::ordered_json line = {{"center_loss", outcome.landscape.center_loss},
                                 {"least_loss", outcome.least_loss},
                                 {"greatest_loss", outcome.greatest_loss},
                                 {"samples", outcome.landscape.sample_count},
                                 {"points", outcome.landscape.grid.point_count()},
                                 {"page", outcome.page},
                                 {"grid", outcome.grid}};
  if (!outcome.landscape.paths.empty()) line["explained"] = outcome.landscape.explained;
  for (const LandscapePath& path : outcome.landscape.paths) {
    nlohmann::ordered_json points = nlohmann::ordered_json::array();
    for (const LandscapePath::Point& point : path.points) {
      points.push_back({{"label", point.label},
                        {"x", point.position.x},
                        {"y", point.position.y},
                        {"loss", point.loss}});
    }
    line["paths"].push_back({{"name", path.name}, {"points", points}});
  }
  return line;
}

Operation LandscapeOperation() {
  Operation operation(kLandscape);
  const auto options = std::make_shared<LandscapeArguments>();
  AddLandscapeOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = options->data.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const LandscapeOutcome outcome,
                           MeasureLandscape(*options, callbacks.should_stop));
    return ToJson(outcome);
  };
  operation.complete_paths = [options](std::vector<CommandPath>& paths) {
    CompleteLandscapePaths(*options, paths);
  };
  return operation;
}

}  // namespace strop
