#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

void Check(const std::string& equation, std::vector<Shape> shapes) {
  OpCase row = {.op = "Einsum", .attributes = {{"equation", equation}}};
  for (Shape& shape : shapes) row.inputs.push_back(Uniform(std::move(shape)));
  CheckOp(row);
}

TEST(Einsum, OneOperand) {
  Check("ij->ji", {{3, 4}});
  Check("ij->i", {{3, 4}});
  Check("ij->", {{3, 4}});
  Check("...ij->...ji", {{2, 5, 3, 4}});
}

TEST(Einsum, Diagonals) {
  Check("ii->i", {{4, 4}});
  Check("ii", {{4, 4}});
  Check("iji->j", {{3, 4, 3}});
  Check("bii,bi->b", {{2, 3, 3}, {2, 3}});
}

TEST(Einsum, TwoOperands) {
  Check("ij,jk->ik", {{3, 4}, {4, 5}});
  Check("ij,jk", {{3, 4}, {4, 5}});
  Check("i,j->ij", {{3}, {4}});
  Check("i,i->", {{5}, {5}});
  Check("bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}});
  Check("bhqd,bhkd->bhqk", {{2, 3, 5, 4}, {2, 3, 6, 4}});
  Check("bqhd,bkhd->bhqk", {{2, 5, 3, 4}, {2, 6, 3, 4}});
  Check("ijk,jl->ikl", {{2, 3, 4}, {3, 5}});
  Check("ij,kl->il", {{2, 3}, {4, 5}});
  Check("ij , ij -> ij", {{2, 3}, {2, 3}});
}

TEST(Einsum, Ellipsis) {
  Check("...ij,...jk->...ik", {{2, 3, 4, 5}, {2, 3, 5, 6}});
  Check("...ij,jk->...ik", {{2, 3, 4, 5}, {5, 6}});
  Check("...i,...i->...", {{2, 1, 4}, {3, 4}});
  Check("i...,i...", {{4, 2}, {4, 2}});
}

TEST(Einsum, ManyOperands) {
  Check("ij,jk,kl->il", {{2, 3}, {3, 4}, {4, 5}});
  Check("a,b,c->abc", {{2}, {3}, {4}});
  Check("ij,i,j->", {{3, 4}, {3}, {4}});
  Check("ia,jb,ab,ij->", {{2, 3}, {4, 5}, {3, 5}, {2, 4}});
}

TEST(Einsum, NoElements) { Check("ij,jk->ik", {{3, 0}, {0, 5}}); }

}  // namespace
}  // namespace strop
