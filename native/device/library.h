// Drivers are opened at run time and never linked, so that the runtime loads where they are missing.
#pragma once

namespace cg {

bool library_loads(const char* name);

} // namespace cg
