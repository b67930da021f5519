#include "plugin/monitor/record_line.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace strop {
namespace {

struct AnyVisitor {
  void operator()(auto&&...) {}
};

// What has fields of its own: a record's content, or a part of one.
template <typename T>
concept Described = requires(AnyVisitor& visit, T& part) {
  T::VisitFields(visit, part);
};

// What grows at its end, but for texts.
template <typename T>
concept List = requires(T& list) {
  list.emplace_back();
};

// Adds the fields that it visits to an object, whose keys stay in their order.
class JsonWriter {
 public:
  using Json = nlohmann::ordered_json;

  explicit JsonWriter(Json& object) : object_(object) {}

  template <typename Field>
  void operator()(const char* key, const Field& field, const auto&...) {
    object_[key] = Of(field);
  }
  template <typename Field>
  void operator()(const char* key, const OrAbsent<Field>& field) {
    if (!IsEmpty(field.field)) object_[key] = Of(field.field);
  }

 private:
  template <typename T>
  static bool IsEmpty(const T& field) {
    return field == T();
  }
  static bool IsEmpty(const Base64<const std::string>& field) { return field.bytes.empty(); }

  static Json Of(const std::string& text) { return text; }
  static Json Of(bool flag) { return flag; }
  static Json Of(int64_t number) { return number; }
  static Json Of(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return number;
  }
  static Json Of(const HyperparameterValue& value) {
    return std::visit([](const auto& typed) { return Of(typed); }, value);
  }
  static Json Of(const Constant& constant) { return constant.value; }
  static Json Of(const Base64<const std::string>& field) { return absl::Base64Escape(field.bytes); }
  template <typename Value>
  static Json Of(const Word<Value>& word) {
    return word.words[static_cast<size_t>(word.value)];
  }
  template <typename T>
  static Json Of(const std::optional<T>& field) {
    return field ? Of(*field) : Json(nullptr);
  }
  template <typename T>
  static Json Of(const std::map<std::string, T>& by_name) {
    return ObjectOf(by_name);
  }
  template <typename T>
  static Json Of(const std::vector<std::pair<std::string, T>>& by_name) {
    return ObjectOf(by_name);
  }
  template <List T>
  static Json Of(const T& list) {
    Json array = Json::array();
    for (const auto& item : list) array.push_back(Of(item));
    return array;
  }
  template <Described T>
  static Json Of(const T& part) {
    Json object = Json::object();
    JsonWriter writer(object);
    T::VisitFields(writer, part);
    return object;
  }
  static Json ObjectOf(const auto& by_name) {
    Json object = Json::object();
    for (const auto& [name, value] : by_name) object[name] = Of(value);
    return object;
  }

  Json& object_;
};

// Fills the fields that it visits from an object. Fields that are missing or of another type throw.
class JsonReader {
 public:
  // Lists of numbers by tag are long: objects are looked up by a tree, not in the line's order.
  using Json = nlohmann::json;

  explicit JsonReader(const Json& object) : object_(object) {}

  template <typename Field>
  void operator()(const char* key, Field&& field, const auto&...) {
    Read(object_.at(key), field);
  }
  template <typename Field>
  void operator()(const char* key, OrAbsent<Field>&& field) {
    if (object_.contains(key)) Read(object_.at(key), field.field);
  }
  void operator()(const char*, Constant&&) {}

 private:
  static void Read(const Json& json, std::string& text) { json.get_to(text); }
  static void Read(const Json& json, int64_t& number) { json.get_to(number); }
  static void Read(const Json& json, double& number) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (!json.is_string()) {
      json.get_to(number);
    } else if (json == "Infinity") {
      number = kInfinity;
    } else if (json == "-Infinity") {
      number = -kInfinity;
    } else if (json == "NaN") {
      number = std::numeric_limits<double>::quiet_NaN();
    } else {
      throw Json::other_error::create(501, "no number", &json);
    }
  }
  static void Read(const Json& json, HyperparameterValue& value) {
    if (json.is_boolean()) {
      value = json.get<bool>();
    } else if (json.is_number()) {
      value = json.get<double>();
    } else {
      value = json.get<std::string>();
    }
  }
  static void Read(const Json& json, Base64<std::string>& field) {
    if (absl::Base64Unescape(json.get_ref<const std::string&>(), &field.bytes)) return;
    throw Json::other_error::create(501, "no Base64", &json);
  }
  template <typename Value>
  static void Read(const Json& json, Word<Value>& word) {
    const auto& text = json.get_ref<const std::string&>();
    const auto found = std::find(word.words.begin(), word.words.end(), text);
    const bool is_known = found != word.words.end();
    word.value = static_cast<Value>(is_known ? found - word.words.begin() : 0);
  }
  template <typename T>
  static void Read(const Json& json, std::optional<T>& field) {
    if (json.is_null()) {
      field.reset();
    } else {
      Read(json, field.emplace());
    }
  }
  template <typename T>
  static void Read(const Json& json, std::map<std::string, T>& by_name) {
    for (const auto& [name, value] : MembersOf(json)) Read(value, by_name[name]);
  }
  template <typename T>
  static void Read(const Json& json, std::vector<std::pair<std::string, T>>& by_name) {
    for (const auto& [name, value] : MembersOf(json)) {
      Read(value, by_name.emplace_back(name, T()).second);
    }
  }
  template <List T>
  static void Read(const Json& json, T& list) {
    const auto& items = json.get_ref<const Json::array_t&>();
    list.reserve(items.size());
    for (const Json& item : items) Read(item, list.emplace_back());
  }
  template <Described T>
  static void Read(const Json& json, T& part) {
    JsonReader reader(json);
    T::VisitFields(reader, part);
  }
  static const Json::object_t& MembersOf(const Json& json) {
    return json.get_ref<const Json::object_t&>();
  }

  const Json& object_;
};

template <typename Content>
Content ReadContent(const nlohmann::json& line) {
  Content content;
  JsonReader reader(line);
  Content::VisitFields(reader, content);
  if constexpr (requires { content.Fault(); }) {
    if (const std::string_view fault = content.Fault(); !fault.empty()) {
      throw nlohmann::json::other_error::create(501, std::string(fault), &line);
    }
  }
  return content;
}

// False for a kind that is none of these.
template <typename... Kinds>
bool ReadKind(std::string_view kind, const nlohmann::json& line, std::variant<Kinds...>& content) {
  const auto read_if = [&]<typename Kind>(std::type_identity<Kind>) {
    if (kind != Kind::kKind.name) return false;
    content = ReadContent<Kind>(line);
    return true;
  };
  return (read_if(std::type_identity<Kinds>()) || ...);
}

std::optional<Record> ReadRecord(const nlohmann::json& line) {
  const std::string kind = line.at("kind");
  Record record;
  record.step = line.at("step");
  record.epoch = line.at("epoch");
  record.time = line.at("time");
  if (!ReadKind(kind, line, record.content)) return std::nullopt;
  return record;
}

}  // namespace

std::string JsonLineOf(const Record& record) {
  return std::visit(
      [&record]<typename Content>(const Content& content) {
        JsonWriter::Json line = {{"kind", Content::kKind.name},
                                 {"step", record.step},
                                 {"epoch", record.epoch},
                                 {"time", record.time}};
        JsonWriter writer(line);
        Content::VisitFields(writer, content);
        // Names in a model need not be UTF-8.
        return line.dump(-1, ' ', false, JsonWriter::Json::error_handler_t::replace);
      },
      record.content);
}

absl::StatusOr<std::optional<Record>> ParseRecordLine(std::string_view line) {
  try {
    return ReadRecord(nlohmann::json::parse(line));
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record: ", error.what()));
  }
}

}  // namespace strop
