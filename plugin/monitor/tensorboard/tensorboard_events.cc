#include "plugin/monitor/tensorboard/tensorboard_events.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "graph/status_macros.h"
#include "plugin/monitor/confusion_image.h"
#include "plugin/monitor/tensorboard/tensorboard_layout.h"

namespace strop {
namespace {

// The events of the runs that show parts of a record. A visitor: adds the fields that it is given
// as what they say they are.
class RunEvents {
 public:
  RunEvents(double time, int64_t step) : time_(time), step_(step) {}

  void operator()(const char*, const auto&) {}
  void operator()(const char*, const auto& number, const AsScalar& scalar) {
    AddScalar(scalar.tag, static_cast<double>(number));
  }
  void operator()(const char*, const TaggedNumbers& numbers, const AsScalars&) {
    for (const auto& [tag, number] : numbers) AddScalar(tag, number);
  }
  void operator()(const char*, const std::string& markdown, const AsText& text) {
    AddText(text.tag, markdown);
  }
  void operator()(const char*, const Base64<const std::string>& png, const AsImage& image) {
    AddImage(image, png.bytes);
  }
  void operator()(const char*, const auto&, const AsHistogram<Histogram>& counts) {
    AddHistogram(counts.histogram);
  }

  tensorboard::Event& Of(const std::string& run) {
    const auto [found, is_new] = events_.try_emplace(run);
    if (is_new) {
      found->second.set_wall_time(time_);
      found->second.set_step(step_);
    }
    return found->second;
  }
  tensorboard::Event& OfRunItself() { return Of(""); }

  tensorboard::Summary::Value& AddValue(std::string_view tag) {
    const TensorBoardPlace place = TensorBoardPlaceOf(tag);
    tensorboard::Summary::Value& value = *Of(place.run).mutable_summary()->add_value();
    value.set_tag(place.tag);
    return value;
  }
  void AddScalar(std::string_view tag, double value) {
    AddValue(tag).set_simple_value(static_cast<float>(value));
  }
  void AddText(std::string_view tag, const std::string& markdown) {
    tensorboard::Summary::Value& value = AddValue(tag);
    value.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
    tensorboard::Tensor& tensor = *value.mutable_tensor();
    tensor.set_dtype(tensorboard::STRING);
    tensor.mutable_tensor_shape()->add_dim()->set_size(1);
    tensor.add_string_val(markdown);
  }
  void AddImage(const AsImage& image, const std::string& png) {
    tensorboard::Summary::Image& out = *AddValue(image.tag).mutable_image();
    out.set_width(static_cast<int32_t>(image.width));
    out.set_height(static_cast<int32_t>(image.height));
    out.set_colorspace(3);
    out.set_encoded_image_string(png);
  }
  // TensorBoard's buckets reach up to a limit; the first begins at the minimum.
  void AddHistogram(const Histogram& histogram) {
    tensorboard::Histogram& out = *AddValue(histogram.tag).mutable_histo();
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

  double time() const { return time_; }
  std::map<std::string, tensorboard::Event> Take() { return std::move(events_); }

 private:
  double time_;
  int64_t step_;
  std::map<std::string, tensorboard::Event> events_;
};

// What a record becomes besides what its fields say: forms that only TensorBoard has.
template <typename Content>
absl::Status AddOwn(const Content&, RunEvents&) {
  return absl::OkStatus();
}

absl::Status AddOwn(const ConfusionMatrix& matrix, RunEvents& events) {
  STROP_ASSIGN_OR_RETURN(const PngImage image, DrawConfusionMatrix(matrix));
  PngImage::VisitFields(events, image);
  return absl::OkStatus();
}

// A picture each, and a table that says what they are.
absl::Status AddOwn(const WorstExamples& worst, RunEvents& events) {
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
    events.AddImage({absl::StrCat(worst.tag, "/", name), example.width, example.height},
                    example.png);
  }
  events.AddText(worst.tag, table);
  return absl::OkStatus();
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

absl::Status AddOwn(const ModelGraph& graph, RunEvents& events) {
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
  return absl::OkStatus();
}

// What the HParams plugin reads travels as the metadata of a value without data.
void AddHyperparameterData(const std::string& tag, const tensorboard::HyperparameterData& data,
                           RunEvents& events) {
  tensorboard::SummaryMetadata::PluginData& plugin =
      *events.AddValue(tag).mutable_metadata()->mutable_plugin_data();
  plugin.set_plugin_name("hparams");
  plugin.set_content(data.SerializeAsString());
}

absl::Status AddOwn(const Hyperparameters& hyperparameters, RunEvents& events) {
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
  return absl::OkStatus();
}

absl::Status AddOwn(const RunEnd& end, RunEvents& events) {
  tensorboard::HyperparameterData data;
  tensorboard::SessionEndInfo& info = *data.mutable_session_end_info();
  const bool failed = end.status == RunStatus::kFailed;
  info.set_status(failed ? tensorboard::SessionEndInfo::FAILURE
                         : tensorboard::SessionEndInfo::SUCCESS);
  info.set_end_time_secs(events.time());
  AddHyperparameterData("_hparams_/session_end_info", data, events);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::map<std::string, tensorboard::Event>> EventsOf(const Record& record) {
  RunEvents events(record.time, record.step);
  STROP_RETURN_IF_ERROR(std::visit(
      [&events]<typename Content>(const Content& content) {
        Content::VisitFields(events, content);
        return AddOwn(content, events);
      },
      record.content));
  return events.Take();
}

}  // namespace strop
