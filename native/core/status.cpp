// The details of the last failure, one record per thread.
#include "core/status.h"

namespace cg {

Failure& last_failure() {
  thread_local Failure failure;
  return failure;
}

} // namespace cg
