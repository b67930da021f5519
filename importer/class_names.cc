#include "importer/class_names.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strop {
namespace {

constexpr std::string_view kKeys[] = {kClassNamesKey, "class_names", "labels", "classes",
                                      "id2label"};

void AppendUtf8(std::string& text, uint32_t point) {
  const auto add = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

// A list or dict of strings, in what Python's literals and JSON have in common and where they
// differ. Every step answers whether the text went on as it has to.
class NamesReader {
 public:
  explicit NamesReader(std::string_view text) : text_(text) {}

  std::optional<std::vector<std::string>> Read() {
    const bool is_list = Take('[');
    if (!is_list && !Take('{')) return std::nullopt;
    const char end = is_list ? ']' : '}';
    std::map<int64_t, std::string> names;
    while (!Take(end)) {
      if (!names.empty() && !Take(',')) return std::nullopt;
      if (!names.empty() && Take(end)) break;  // a comma behind the last
      auto number = static_cast<int64_t>(names.size());
      std::string name;
      if (!is_list && !(ReadNumber(number) && Take(':'))) return std::nullopt;
      if (!ReadString(name) || !names.emplace(number, std::move(name)).second) return std::nullopt;
    }
    SkipSpace();
    if (position_ != text_.size() || names.empty()) return std::nullopt;
    if (names.begin()->first != 0 ||
        names.rbegin()->first != static_cast<int64_t>(names.size()) - 1) {
      return std::nullopt;
    }
    std::vector<std::string> in_order;
    for (auto& [number, name] : names) in_order.push_back(std::move(name));
    return in_order;
  }

 private:
  void SkipSpace() {
    position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size());
  }

  bool Take(char expected) {
    SkipSpace();
    if (position_ >= text_.size() || text_[position_] != expected) return false;
    ++position_;
    return true;
  }

  // A key: a number, or one in quotes.
  bool ReadNumber(int64_t& number) {
    SkipSpace();
    std::string digits;
    if (position_ < text_.size() && (text_[position_] == '"' || text_[position_] == '\'')) {
      return ReadString(digits) && absl::SimpleAtoi(digits, &number);
    }
    const size_t end = std::min(text_.find_first_not_of("0123456789", position_), text_.size());
    digits = text_.substr(position_, end - position_);
    position_ = end;
    return absl::SimpleAtoi(digits, &number);
  }

  bool ReadString(std::string& text) {
    SkipSpace();
    if (position_ >= text_.size()) return false;
    const char quote = text_[position_++];
    if (quote != '"' && quote != '\'') return false;
    while (position_ < text_.size()) {
      const char c = text_[position_++];
      if (c == quote) return true;
      if (c != '\\') {
        text.push_back(c);
      } else if (!ReadEscape(text)) {
        return false;
      }
    }
    return false;
  }

  bool ReadEscape(std::string& text) {
    constexpr std::string_view kLetters = "\\/'\"ntrbf";
    constexpr std::string_view kMeanings = "\\/'\"\n\t\r\b\f";
    if (position_ >= text_.size()) return false;
    const char c = text_[position_++];
    if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      text.push_back(kMeanings[letter]);
      return true;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t point = 0;
    if (digits == 0 || !ReadHex(digits, point)) return false;
    const bool is_high = c == 'u' && point >= 0xD800 && point < 0xDC00;
    if (is_high) {  // JSON's way to write what lies beyond 16 bits
      uint32_t low = 0;
      if (!text_.substr(position_).starts_with("\\u")) return false;
      position_ += 2;
      if (!ReadHex(4, low) || low < 0xDC00 || low >= 0xE000) return false;
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    AppendUtf8(text, point);
    return true;
  }

  bool ReadHex(size_t digits, uint32_t& number) {
    if (text_.size() - position_ < digits) return false;
    const std::string_view hex = text_.substr(position_, digits);
    position_ += digits;
    return absl::SimpleHexAtoi(absl::string_view(hex.data(), hex.size()), &number);
  }

  std::string_view text_;
  size_t position_ = 0;
};

std::string Quoted(const std::string& name) {
  std::string quoted = "'";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte);
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "'";
}

}  // namespace

bool IsClassNamesKey(std::string_view key) {
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

std::optional<std::vector<std::string>> ParseClassNames(std::string_view text) {
  return NamesReader(text).Read();
}

std::string ClassNamesText(const std::vector<std::string>& names) {
  std::string text = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", i, ": ", Quoted(names[i]));
  }
  return text + "}";
}

std::vector<std::string> ClassNamesInMetadata(const onnx::ModelProto& model) {
  std::vector<std::string> found;
  for (const onnx::StringStringEntryProto& entry : model.metadata_props()) {
    if (!IsClassNamesKey(entry.key())) continue;
    std::optional<std::vector<std::string>> names = ParseClassNames(entry.value());
    if (!names) continue;
    if (!found.empty() && found != *names) return {};
    found = *std::move(names);
  }
  return found;
}

}  // namespace strop
