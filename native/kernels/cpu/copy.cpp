// Copies between strided views with conversion.
#include "kernels/cpu/isa.h"
