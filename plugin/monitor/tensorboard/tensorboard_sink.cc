#include "plugin/monitor/tensorboard/tensorboard_sink.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "graph/status_macros.h"
#include "plugin/monitor/confusion_image.h"
#include "plugin/monitor/tensorboard/event_file.h"
#include "plugin/monitor/tensorboard/tensorboard.pb.h"
#include "plugin/monitor/tensorboard/tensorboard_layout.h"

namespace strop {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A record as the events of the runs that show parts of it.
class RunEvents {
 public:
  RunEvents(double time, int64_t step) : time_(time), step_(step) {}

  tensorboard::Event& Of(const std::string& run) {
    const auto [found, is_new] = events_.try_emplace(run);
    if (is_new) {
      found->second.set_wall_time(time_);
      found->second.set_step(step_);
    }
    return found->second;
  }
  tensorboard::Event& OfRunItself() { return Of(""); }

  tensorboard::Summary::Value& AddValue(const std::string& tag) {
    const TensorBoardPlace place = TensorBoardPlaceOf(tag);
    tensorboard::Summary::Value& value = *Of(place.run).mutable_summary()->add_value();
    value.set_tag(place.tag);
    return value;
  }

  double time() const { return time_; }
  const std::map<std::string, tensorboard::Event>& by_run() const { return events_; }

 private:
  double time_;
  int64_t step_;
  std::map<std::string, tensorboard::Event> events_;
};

void Fill(const Scalars& scalars, RunEvents& events) {
  for (const auto& [tag, value] : scalars.values) {
    events.AddValue(tag).set_simple_value(static_cast<float>(value));
  }
}

// TensorBoard's buckets reach up to a limit; the first begins at the minimum.
void Fill(const Histogram& histogram, RunEvents& events) {
  tensorboard::Histogram& out = *events.AddValue(histogram.tag).mutable_histo();
  out.set_min(histogram.minimum);
  out.set_max(histogram.maximum);
  out.set_num(histogram.count);
  out.set_sum(histogram.sum);
  out.set_sum_squares(histogram.sum_of_squares);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    out.add_bucket_limit(histogram.limits[i + 1]);
    out.add_bucket(histogram.counts[i]);
  }
}

void Fill(const PngImage& image, RunEvents& events) {
  tensorboard::Summary::Image& out = *events.AddValue(image.tag).mutable_image();
  out.set_width(static_cast<int32_t>(image.width));
  out.set_height(static_cast<int32_t>(image.height));
  out.set_colorspace(3);
  out.set_encoded_image_string(image.png);
}

void Fill(const Text& text, RunEvents& events) {
  tensorboard::Summary::Value& value = events.AddValue(text.tag);
  value.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  tensorboard::Tensor& tensor = *value.mutable_tensor();
  tensor.set_dtype(tensorboard::STRING);
  tensor.mutable_tensor_shape()->add_dim()->set_size(1);
  tensor.add_string_val(text.text);
}

// A picture each, and a table that says what they are.
void Fill(const WorstExamples& worst, RunEvents& events) {
  std::string table = "| | sample | true | predicted | loss |\n|---|---|---|---|---|\n";
  int number = 0;
  for (const WorstExamples::Example& example : worst.examples) {
    const std::string name = absl::StrFormat("%02d", ++number);
    const auto cell = [](const std::string& text) {
      return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}});
    };
    absl::StrAppendFormat(&table, "| %s | %d | %s | %s | %.5g |\n", name, example.sample,
                          cell(example.label), cell(example.predicted), example.loss);
    if (example.png.empty()) continue;
    Fill(PngImage{absl::StrCat(worst.tag, "/", name), example.width, example.height, example.png},
         events);
  }
  Fill(Text{worst.tag, table}, events);
}

void Fill(const HealthFinding& finding, RunEvents& events) {
  Fill(Text{absl::StrCat("health/", finding.finding), finding.message}, events);
}

// A name that TensorFlow allows ([A-Za-z0-9.][A-Za-z0-9_.\\/>-]*) and that means in TensorBoard
// what it does in the model: slashes part modules, and a colon, after which TensorBoard would read
// the number of an output, is none.
std::string AllowedName(const std::string& name) {
  std::string allowed;
  for (const char letter : name) {
    const bool is_plain = absl::ascii_isalnum(static_cast<unsigned char>(letter)) ||
                          absl::StrContains("_./>-", letter);
    const bool is_empty_level = letter == '/' && (allowed.empty() || allowed.back() == '/');
    if (!is_empty_level) allowed += is_plain ? letter : '_';
  }
  while (allowed.ends_with('/')) allowed.pop_back();
  const bool starts_well = !allowed.empty() && !absl::StrContains("_>-", allowed[0]);
  return starts_well ? allowed : absl::StrCat(".", allowed);
}

// Every node's allowed name, in their order: unique.
std::map<std::string, std::string> AllowedNames(const ModelGraph& graph) {
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  for (const ModelGraph::Node& node : graph.nodes) {
    const std::string allowed = AllowedName(node.name);
    std::string candidate = allowed;
    for (int i = 1; !taken.insert(candidate).second; ++i) candidate = absl::StrCat(allowed, "_", i);
    names[node.name] = candidate;
  }
  return names;
}

void Fill(const ModelGraph& graph, RunEvents& events) {
  const std::map<std::string, std::string> names = AllowedNames(graph);
  tensorboard::GraphDef definition;
  definition.mutable_versions()->set_producer(22);  // from where shapes are read
  for (const ModelGraph::Node& node : graph.nodes) {
    tensorboard::NodeDef& out = *definition.add_node();
    out.set_name(names.at(node.name));
    out.set_op(node.op);
    for (const std::string& input : node.inputs) out.add_input(names.at(input));
    (*out.mutable_attr())["type"].set_s(node.type);
    if (!node.shape) continue;
    tensorboard::TensorShape& shape =
        *(*out.mutable_attr())["_output_shapes"].mutable_list()->add_shape();
    for (const int64_t dimension : *node.shape) shape.add_dim()->set_size(dimension);
  }
  events.OfRunItself().set_graph_def(definition.SerializeAsString());
}

// What the HParams plugin reads travels as the metadata of a value without data.
void AddHyperparameterData(const std::string& tag, const tensorboard::HyperparameterData& data,
                           RunEvents& events) {
  tensorboard::SummaryMetadata::PluginData& plugin =
      *events.AddValue(tag).mutable_metadata()->mutable_plugin_data();
  plugin.set_plugin_name("hparams");
  plugin.set_content(data.SerializeAsString());
}

void Fill(const Hyperparameters& hyperparameters, RunEvents& events) {
  using Info = tensorboard::HyperparameterInfo;
  tensorboard::HyperparameterData experiment;
  tensorboard::HyperparameterData start;
  experiment.mutable_experiment()->set_time_created_secs(events.time());
  start.mutable_session_start_info()->set_start_time_secs(events.time());
  for (const auto& [name, value] : hyperparameters.values) {
    Info& info = *experiment.mutable_experiment()->add_hparam_infos();
    info.set_name(name);
    info.set_differs(hyperparameters.main.contains(name));
    google::protobuf::Value& out = (*start.mutable_session_start_info()->mutable_hparams())[name];
    if (const auto* text = std::get_if<std::string>(&value)) {
      info.set_type(Info::TEXT);
      out.set_string_value(*text);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      info.set_type(Info::BOOLEAN);
      out.set_bool_value(*flag);
    } else {
      info.set_type(Info::NUMBER);
      out.set_number_value(std::get<double>(value));
    }
  }
  for (const std::string& name : hyperparameters.absent) {
    Info& info = *experiment.mutable_experiment()->add_hparam_infos();
    info.set_name(name);
    info.set_differs(hyperparameters.main.contains(name));
  }
  for (const std::string& tag : hyperparameters.metrics) {
    const TensorBoardPlace place = TensorBoardPlaceOf(tag);
    tensorboard::MetricInfo::Name& name =
        *experiment.mutable_experiment()->add_metric_infos()->mutable_name();
    name.set_group(place.run);
    name.set_tag(place.tag);
  }
  AddHyperparameterData("_hparams_/experiment", experiment, events);
  AddHyperparameterData("_hparams_/session_start_info", start, events);
}

void Fill(const RunEnd& end, RunEvents& events) {
  tensorboard::HyperparameterData data;
  tensorboard::SessionEndInfo& info = *data.mutable_session_end_info();
  const bool failed = end.status == RunStatus::kFailed;
  info.set_status(failed ? tensorboard::SessionEndInfo::FAILURE
                         : tensorboard::SessionEndInfo::SUCCESS);
  info.set_end_time_secs(events.time());
  AddHyperparameterData("_hparams_/session_end_info", data, events);
}

// These show elsewhere, or not at all.
void Fill(const RunStart&, RunEvents&) {}
void Fill(const LayerList&, RunEvents&) {}
void Fill(const RunResume&, RunEvents&) {}
void Fill(const PredictedAgainstTrue&, RunEvents&) {}

// TensorBoard reads the files of a run in the order of their names, which begin with the time.
std::string NewEventFile(const std::string& directory) {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  std::string path;
  std::error_code error;
  int count = 0;
  do {
    path = absl::StrFormat("%s/events.out.tfevents.%010d.%s.%d.%d", directory,
                           static_cast<int64_t>(Now()), host, getpid(), count++);
  } while (std::filesystem::exists(path, error));
  return path;
}

class TensorBoardSink : public RecordSink {
 public:
  TensorBoardSink(std::string directory, const std::optional<ResumePoint>& resume)
      : directory_(std::move(directory)), resume_(resume) {}

  // The file of the run itself, and those that go on.
  absl::Status Begin() {
    STROP_RETURN_IF_ERROR(Open(""));
    for (const char* run : {"train", "validation"}) {
      std::error_code error;
      const bool goes_on = resume_ && std::filesystem::exists(FolderOf(run), error);
      if (goes_on) STROP_RETURN_IF_ERROR(Open(run));
    }
    return absl::OkStatus();
  }

  absl::Status Write(const Record& record) override {
    RunEvents events(record.time, record.step);
    if (const auto* matrix = std::get_if<ConfusionMatrix>(&record.content)) {
      STROP_ASSIGN_OR_RETURN(const PngImage image, DrawConfusionMatrix(*matrix));
      Fill(image, events);
    } else {
      std::visit(
          [&events](const auto& content) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(content)>, ConfusionMatrix>) {
              Fill(content, events);
            }
          },
          record.content);
    }
    for (const auto& [run, event] : events.by_run()) {
      if (!files_.contains(run)) STROP_RETURN_IF_ERROR(Open(run));
      STROP_RETURN_IF_ERROR(files_.at(run).Append(event.SerializeAsString()));
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    for (auto& [run, file] : files_) STROP_RETURN_IF_ERROR(file.Flush());
    return absl::OkStatus();
  }

 private:
  std::string FolderOf(const std::string& run) const {
    return run.empty() ? directory_ : absl::StrCat(directory_, "/", run);
  }

  absl::Status Open(const std::string& run) {
    std::error_code error;  // creating the file says what is wrong
    std::filesystem::create_directories(FolderOf(run), error);
    STROP_ASSIGN_OR_RETURN(EventFile file, EventFile::Create(NewEventFile(FolderOf(run))));
    tensorboard::Event version;
    version.set_wall_time(Now());
    version.set_file_version("brain.Event:2");
    STROP_RETURN_IF_ERROR(file.Append(version.SerializeAsString()));
    if (resume_) {
      tensorboard::Event start;
      start.set_wall_time(Now());
      start.set_step(resume_->step + 1);
      start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
      STROP_RETURN_IF_ERROR(file.Append(start.SerializeAsString()));
    }
    files_.emplace(run, std::move(file));
    return absl::OkStatus();
  }

  std::string directory_;
  std::optional<ResumePoint> resume_;
  std::map<std::string, EventFile> files_;  // by run; opened when something goes there
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSink>> OpenTensorBoard(
    const std::string& directory, const std::optional<ResumePoint>& resume) {
  auto sink = std::make_unique<TensorBoardSink>(directory, resume);
  STROP_RETURN_IF_ERROR(sink->Begin());
  return sink;
}

}  // namespace strop
