#include "importer/missing_operators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "importer/importer.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(MissingOperatorsTest, TheErrorOfAnImportCarriesAllOfThem) {
  onnx::ModelProto model = EmptyModel();
  AddNode(model, "Frobnicate", {"x"}, {"a"}, "first: 12");
  AddNode(model, "Relu", {"a"}, {"b"}, "known");
  for (int i = 0; i < 6; ++i) {
    const std::string from = i == 0 ? "b" : "c" + std::to_string(i - 1);
    AddNode(model, "Defrobnicate", {from}, {i == 5 ? "y" : "c" + std::to_string(i)},
            "node" + std::to_string(i));
  }
  const absl::Status status =
      ImportModel(ModelFile::FromBytes(model.SerializeAsString(), "")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("and 1 more"));  // the line has five
  EXPECT_THAT(MissingOperatorsOf(status),
              ElementsAre(Pair("Defrobnicate",
                               ElementsAre("node0", "node1", "node2", "node3", "node4", "node5")),
                          Pair("Frobnicate", ElementsAre("first: 12"))));
}

TEST(MissingOperatorsTest, OtherErrorsCarryNone) {
  const absl::Status status = ImportModel(ModelFile::FromBytes("no model", "")).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(MissingOperatorsOf(status), IsEmpty());
}

}  // namespace
}  // namespace strop
