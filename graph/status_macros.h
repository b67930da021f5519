#pragma once

#include "absl/status/statusor.h"

// Returns early from a function that returns absl::Status or StatusOr.
#define STROP_RETURN_IF_ERROR(expression)                                   \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define STROP_CONCATENATE_INNER(a, b) a##b
#define STROP_CONCATENATE(a, b) STROP_CONCATENATE_INNER(a, b)

// STROP_ASSIGN_OR_RETURN(Shape shape, Broadcast(a, b));
#define STROP_ASSIGN_OR_RETURN(declaration, expression) \
  STROP_ASSIGN_OR_RETURN_IMPL(STROP_CONCATENATE(status_or_, __LINE__), declaration, expression)
#define STROP_ASSIGN_OR_RETURN_IMPL(status_or, declaration, expression) \
  auto status_or = (expression);                                        \
  if (!status_or.ok()) return status_or.status();                       \
  declaration = *std::move(status_or)
