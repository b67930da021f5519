// Data that a program has itself, against the same numbers in a .npz.

#include "plugin/data/given_data.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

namespace strop {
namespace {

InputInterface Input(const std::string& name, DataType type, Shape shape) {
  return {name, {type, std::move(shape)}};
}

const std::vector<InputInterface> kTable = {Input("x", DataType::kFloat, {kUnknownDimension, 2})};
const std::vector<InputInterface> kPictures = {
    Input("image", DataType::kFloat, {kUnknownDimension, 1, 4, 4})};

std::vector<NamedTensor> Table() {
  return {{"x", Tensor::FromVector<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
          {"target", Tensor::FromVector<int64_t>({3}, {2, 0, 1})}};
}

std::vector<NamedTensor> Pictures() {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 5 * 16; ++i) pixels.push_back(static_cast<uint8_t>(i * 3));
  return {{"image", Tensor::FromVector<uint8_t>({5, 4, 4}, pixels)},
          {"label", Tensor::FromVector<int64_t>({5}, {0, 1, 2, 1, 0})},
          {"weight", Tensor::FromVector<float>({5}, {1, 2, 3, 4, 5})}};
}

GivenData Arrays(const std::vector<NamedTensor>& arrays) {
  GivenData given;
  given.arrays = arrays;
  return given;
}

// The same samples, read as they are wanted.
GivenData Reader(const std::vector<NamedTensor>& arrays) {
  GivenData given;
  given.sample_count = arrays[0].tensor.shape()[0];
  for (const NamedTensor& array : arrays) {
    const Shape& shape = array.tensor.shape();
    given.fields.push_back(
        {array.name, array.tensor.type(), Shape(shape.begin() + 1, shape.end()), {}});
  }
  given.read = [arrays, thread = std::this_thread::get_id()](absl::Span<const int64_t> indices,
                                                             absl::Span<Tensor> batch) {
    EXPECT_EQ(std::this_thread::get_id(), thread);
    for (size_t i = 0; i < arrays.size(); ++i) CopySamples(arrays[i].tensor, indices, batch[i]);
    return absl::OkStatus();
  };
  return given;
}

// Everything that can be read of it, and what it told: fields, samples plain and augmented, and the
// targets alone. Or its error.
std::string Dump(const absl::StatusOr<std::unique_ptr<DataSource>>& opened, const std::string& told,
                 const std::string& origin) {
  std::string dump = told;
  const auto without_origin = [&origin](std::string text) {
    for (size_t at = 0; (at = text.find(origin)) != std::string::npos;) {
      text.replace(at, origin.size(), "ORIGIN");
    }
    return text;
  };
  if (!opened.ok()) return without_origin(dump + opened.status().ToString());
  DataSource& source = **opened;
  const std::vector<int64_t> indices = {source.sample_count() - 1, 0, 0, 1};
  const auto add = [&](const absl::Status& status, const std::vector<Tensor>& batch) {
    dump += status.ToString();
    for (const Tensor& tensor : batch) {
      dump.append(static_cast<const char*>(tensor.data()), tensor.bytes());
    }
  };
  for (const DataField& field : source.fields()) {
    dump += field.name + std::string(DataTypeName(field.type)) + ShapeName(field.shape);
    if (field.pixels) dump += std::to_string(field.pixels->white) + "white";
    if (field.is_weight) dump += "of samples";
  }
  for (const std::string& name : source.class_names()) dump += name;
  std::vector<Tensor> batch = source.MakeBatch(4);
  add(source.Read(indices, absl::MakeSpan(batch)), batch);
  AugmentationKey key;
  key.seed = 7;
  add(source.ReadAugmented(indices, key, absl::MakeSpan(batch)), batch);
  for (const int found : {source.FindField(kTargetField), source.FindWeights()}) {
    if (found < 0) continue;
    const auto field = static_cast<size_t>(found);
    add(source.ReadField(field, indices, batch[field]), {batch[field]});
  }
  return without_origin(dump);
}

using Open = std::function<absl::StatusOr<std::unique_ptr<DataSource>>(const DataOptions&)>;

std::string Opened(const Open& open, DataOptions options, const std::string& origin) {
  std::string told;
  options.listener.on_note = [&told](const std::string& line) { told += line + "\n"; };
  const auto source = open(options);
  return Dump(source, told, origin);
}

struct Case {
  std::string name;
  std::vector<NamedTensor> arrays;
  std::vector<InputInterface> inputs;
  std::function<void(DataOptions&)> change;
  std::string part;  // of what comes of it
};

std::vector<Case> Cases() {
  const std::vector<InputInterface> two = {
      Input("image", DataType::kFloat, {kUnknownDimension, 1, 4, 4}),
      Input("weight", DataType::kFloat, {kUnknownDimension})};
  const auto label = [](DataOptions& options) { options.target = "label"; };
  std::vector<NamedTensor> targets = Pictures();
  targets[1] = {"target", Tensor(DataType::kFloat, {5, 4, 4})};
  std::vector<NamedTensor> numbers = Pictures();
  numbers[0] = {"image", Tensor::FromVector<float>({5, 1, 4, 4}, std::vector<float>(80, 0.25f))};
  std::vector<NamedTensor> empty = {{"x", Tensor(DataType::kFloat, {0, 2})}};
  return {
      {"table", Table(), kTable, [](DataOptions&) {}, "xfloat32[2]targetint64[]"},
      {"scaled pixels", Pictures(), kPictures, label, "pixels scaled by 1/255"},
      {"weights of pictures", Pictures(), kPictures,
       [](DataOptions& options) {
         options.target = "label";
         options.sample_weight = "weight";
       },
       "weightfloat32[]of samples"},
      {"weights of numbers", numbers, kPictures,
       [](DataOptions& options) {
         options.target = "label";
         options.sample_weight = "weight";
       },
       "weightfloat32[]of samples"},
      {"no weights", Table(), kTable,
       [](DataOptions& options) { options.sample_weight = "weight"; },
       "found no \"weight\" as --sample-weight says; it has x, target"},
      {"no weights to validate with", Table(), kTable,
       [](DataOptions& options) {
         options.sample_weight = "weight";
         options.needs_weights = false;
       },
       "each sample counts the same"},
      {"mean and std", Pictures(), kPictures,
       [](DataOptions& options) {
         options.target = "label";
         options.images.mean = {0.5};
         options.images.std = {0.25};
       },
       "mean 0.5, std 0.25"},
      {"normalized table", Table(), kTable,
       [](DataOptions& options) {
         options.images.mean = {1, 2};
       },
       "numbers not scaled, mean 1,2"},
      {"augmented", Pictures(), kPictures,
       [](DataOptions& options) {
         options.target = "label";
         options.augmentation.horizontal_flip = 0.5;
       },
       "imagefloat32[1,4,4]"},
      {"augmented numbers", numbers, kPictures,
       [](DataOptions& options) {
         options.target = "label";
         options.augmentation.horizontal_flip = 0.5;
       },
       "imagefloat32[1,4,4]"},
      {"resized",
       Pictures(),
       {Input("image", DataType::kFloat, {kUnknownDimension, 1, 2, 2})},
       [](DataOptions& options) {
         options.target = "label";
         options.images.resize = ImageSize{2, 2};
       },
       "imagefloat32[1,2,2]"},
      {"input as target", Table(), kTable, [](DataOptions& options) { options.target = "input"; },
       "targetfloat32[2]"},
      {"picture as target", Pictures(), kPictures,
       [](DataOptions& options) { options.target = "image"; }, "targetfloat32[1,4,4]"},
      {"two inputs", Pictures(), two, label, "\"image\": pixels scaled by 1/255"},
      {"one of two inputs as target", Pictures(), two,
       [](DataOptions& options) { options.target = "weight"; }, "targetfloat32[]"},
      {"class names", Table(), kTable,
       [](DataOptions& options) {
         options.class_names = {"a", "b", "c"};
       },
       "abc"},
      {"unread arrays", Pictures(), kPictures, label, "nothing reads \"weight\""},
      {"unknown target", Table(), kTable, [](DataOptions& options) { options.target = "y"; },
       "found no array \"y\" as --target says; it has x, target"},
      {"no such input",
       Pictures(),
       {Input("a", DataType::kFloat, {kUnknownDimension}),
        Input("b", DataType::kFloat, {kUnknownDimension})},
       label,
       "found no array \"a\""},
      {"targets that would have to move", targets, kPictures,
       [](DataOptions& options) { options.augmentation.horizontal_flip = 0.5; },
       "which do not move with their images"},
      {"table to augment", Table(), kTable,
       [](DataOptions& options) { options.augmentation.horizontal_flip = 0.5; },
       "expected pictures"},
      {"no sample", empty, kTable, [](DataOptions&) {}, "xfloat32[2]"},
  };
}

TEST(OpenGiven, DoesAsOpenDataDoesWithTheSameArrays) {
  const std::string path =
      ::testing::TempDir() + "/strop_test_" + std::to_string(getpid()) + "_given.npz";
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.name);
    ASSERT_TRUE(WriteNpz(path, one.arrays).ok());
    DataOptions options;
    one.change(options);
    if (one.arrays[0].tensor.shape()[0] == 0) {  // nothing to read
      for (const GivenData& given : {Arrays(one.arrays), Reader(one.arrays)}) {
        const auto source = OpenGiven(given, one.inputs, options);
        ASSERT_TRUE(source.ok()) << source.status();
        EXPECT_EQ((*source)->sample_count(), 0);
      }
      continue;
    }
    const std::string from_file =
        Opened([&](const DataOptions& o) { return OpenData(path, one.inputs, o); }, options, path);
    EXPECT_NE(from_file.find(one.part), std::string::npos) << from_file;
    for (const GivenData& given : {Arrays(one.arrays), Reader(one.arrays)}) {
      EXPECT_EQ(Opened([&](const DataOptions& o) { return OpenGiven(given, one.inputs, o); },
                       options, "arrays"),
                from_file);
    }
  }
  std::remove(path.c_str());
}

TEST(OpenGiven, ScalesAndNormalizesPixels) {
  DataOptions options;
  options.target = "label";
  options.images.mean = {0.5};
  options.images.std = {0.25};
  for (const GivenData& given : {Arrays(Pictures()), Reader(Pictures())}) {
    const auto source = OpenGiven(given, kPictures, options);
    ASSERT_TRUE(source.ok()) << source.status();
    std::vector<Tensor> batch = (*source)->MakeBatch(2);
    ASSERT_TRUE((*source)->Read({4, 1}, absl::MakeSpan(batch)).ok());
    // Pixel 1 of sample 4 is 3 · (64 + 1).
    EXPECT_FLOAT_EQ(batch[0].elements<float>()[1], (195 / 255.0f - 0.5f) / 0.25f);
    EXPECT_FLOAT_EQ(batch[0].elements<float>()[16], (48 / 255.0f - 0.5f) / 0.25f);
    EXPECT_EQ(batch[1].elements<int64_t>()[1], 1);
  }
}

TEST(OpenGiven, HandsOnWhatReadingFailsWith) {
  for (const auto& [arrays, inputs] :
       {std::pair(Table(), kTable), std::pair(Pictures(), kPictures)}) {
    GivenData given = Reader(arrays);
    bool is_failing = false;
    given.read = [&is_failing, read = given.read](absl::Span<const int64_t> indices,
                                                  absl::Span<Tensor> batch) {
      return is_failing ? absl::DataLossError("the disk is gone") : read(indices, batch);
    };
    const auto source = OpenGiven(given, inputs, {});
    ASSERT_TRUE(source.ok()) << source.status();
    std::vector<Tensor> batch = (*source)->MakeBatch(1);
    is_failing = true;
    EXPECT_EQ((*source)->Read({0}, absl::MakeSpan(batch)), absl::DataLossError("the disk is gone"));
  }
}

TEST(OpenGiven, RefusesWhatIsNoData) {
  std::vector<NamedTensor> twice = Table();
  twice.push_back(twice[0]);
  std::vector<NamedTensor> ragged = Table();
  ragged[1].tensor = Tensor(DataType::kInt64, {4});
  GivenData none_to_read = Reader(Table());
  none_to_read.fields.clear();
  GivenData negative = Reader(Table());
  negative.sample_count = -1;
  const struct {
    GivenData given;
    std::string message;
  } rows[] = {
      {Arrays({}), "found no array in it"},
      {none_to_read, "found no array in it"},
      {negative, "found -1 samples"},
      {Arrays(twice), "found \"x\" twice"},
      {Reader(twice), "found \"x\" twice"},
      {Arrays(ragged), "array \"target\": found 4 samples, expected 3 as in array \"x\""},
      {Arrays({{"x", Tensor::Scalar<float>(1)}}), "found a single number"},
  };
  for (const auto& row : rows) {
    const auto source = OpenGiven(row.given, kTable, {});
    EXPECT_EQ(source.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(source.status().message().find(row.message), std::string::npos) << source.status();
  }
}

}  // namespace
}  // namespace strop
