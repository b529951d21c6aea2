// The tiled matrix product: tiles in local memory, up to 4 x 16 elements of the result a thread.
#include <limits>

#include "kernels/programs/dialect.h"
#include "kernels/programs/gemm.h"

namespace cg::programs {
namespace {

constexpr int kDepth = 16; // terms of the sums that a tile has

// 64 threads make a tile, each `rows` x `columns` elements of it; low results get low tiles, narrow ones narrow tiles.
struct Tile {
  int64_t height, width, rows, columns;
  Tile(int64_t m, int64_t n) {
    height = m <= 16 ? 16 : m <= 32 ? 32 : 64;
    rows = n <= 64 ? height / 16 : 4;
    columns = n <= 16 ? 4 : 16;
    width = 64 * rows * columns / height;
    if (padded(n, width) * 3 < padded(n, width / 2) * 4 || rows == 1) return;
    rows /= 2;
    width /= 2;
  }
  int64_t count(int64_t m, int64_t n) const { return (m + height - 1) / height * ((n + width - 1) / width); }
  static int64_t padded(int64_t n, int64_t width) { return (n + width - 1) / width * width; }
};

const std::string kBody = R"(  LOCAL T tile_a[DEPTH][HEIGHT];
  LOCAL T tile_b[DEPTH][WIDTH] ALIGNED;
  TERMS
  i32 t = THREAD_ID;
  i32 row0 = t / (WIDTH / COLUMNS) * ROWS, column0 = t % (WIDTH / COLUMNS) * COLUMNS;
  i32 wide = (N + WIDTH - 1) / WIDTH;
  i64 tiles = ((i64)M + HEIGHT - 1) / HEIGHT * wide;
  i64 batch = GROUP_ID / tiles;
  i32 tile = GROUP_ID % tiles;
  i32 m0 = tile / wide * HEIGHT, n0 = tile % wide * WIDTH;
  SUMS
  FIRST_TERMS
  for (i32 k0 = 0; k0 < K; k0 += DEPTH) {
    for (i32 lane = t; lane < HEIGHT; lane += GROUP) {
      i32 m = m0 + lane;
      ROW
      for (i32 d = 0; d < DEPTH; ++d) {
        i32 k = k0 + d;
        TERM
        tile_a[d][lane] = m < M && k < K ? A_AT : (T)0;
      }
    }
    for (i32 lane = t; lane < WIDTH; lane += GROUP) {
      i32 n = n0 + lane;
      COLUMN
      for (i32 d = 0; d < DEPTH; ++d) {
        i32 k = k0 + d;
        TERM
        tile_b[d][lane] = n < N && k < K ? B_AT : (T)0;
      }
    }
    BARRIER;
    NEXT_TERMS
    MULTIPLY
    BARRIER;
  }
  UNPACK
  for (i32 r = 0; r < ROWS; ++r)
    for (i32 c = 0; c < COLUMNS; ++c) {
      i32 m = m0 + row0 + r, n = n0 + column0 + c;
      T sum = sums[r][c];
      if (m < M && n < N) STORE
    }
}
)";

// Terms of the sums that lie in another place for each k: found by as many threads as there are, one tile ahead.
std::string terms(const std::string& term) {
  if (term.empty()) return "#define TERMS\n#define FIRST_TERMS\n#define NEXT_TERMS\n#define TERM\n";
  return define("FIND_TERM(at)", "if (t < DEPTH) { i32 k = at; Term term; " + term + " terms[t] = term; }") +
         define("TERMS", "LOCAL Term terms[DEPTH];") + define("FIRST_TERMS", "FIND_TERM(t) BARRIER;") +
         define("NEXT_TERMS", "FIND_TERM(k0 + DEPTH + t)") + define("TERM", "Term term = terms[d];");
}

// How a thread keeps its sums and adds the products of a tile to them.
std::string in_arrays() {
  return "#define ALIGNED\n#define UNPACK\n#define SUMS T sums[ROWS][COLUMNS]; for (i32 r = 0; r < ROWS; ++r) for (i32 "
         "c "
         "= 0; c < COLUMNS; ++c) sums[r][c] = 0;\n#define MULTIPLY for (i32 d = 0; d < DEPTH; ++d) for (i32 r = 0; r < "
         "ROWS; ++r) { T a = tile_a[d][row0 + r]; for (i32 c = 0; c < COLUMNS; ++c) sums[r][c] = MAD(a, "
         "tile_b[d][column0 "
         "+ c], sums[r][c]); }\n";
}

// In OpenCL's vectors, and without a loop. PoCL runs the threads of a group one after another between two barriers: it would put them
// inside a loop, and keep in memory what is the same in all tiles. `zero` makes places of each tile its own.
std::string in_vectors(DType dtype, const Tile& tile) {
  const std::string columns = std::to_string(tile.columns);
  const std::string element = dtype == DType::kFloat32   ? "float"
                              : dtype == DType::kFloat64 ? "double"
                              : dtype == DType::kInt64   ? "long"
                                                         : "int";
  std::string sums, unpack = "T sums[ROWS][COLUMNS];";
  std::string multiply =
      "{ _Pragma(\"OPENCL FP_CONTRACT ON\") i32 zero = k0 & (M >> 31), row = row0 + zero, column = column0 + zero; "
      "Columns b;";
  for (int64_t r = 0; r < tile.rows; ++r) {
    const std::string row = std::to_string(r);
    sums += "Columns sum" + row + " = (Columns)0; ";
    unpack += " vstore" + columns + "(sum" + row + ", 0, sums[" + row + "]);";
  }
  for (int d = 0; d < kDepth; ++d) {
    const std::string at = "[" + std::to_string(d) + "]";
    multiply += " b = *(LOCAL Columns *)&tile_b" + at + "[column];";
    for (int64_t r = 0; r < tile.rows; ++r) {
      const std::string row = std::to_string(r), sum = "sum" + row;
      multiply += " " + sum + " = (Columns)tile_a" + at + "[row + " + row + "] * b + " + sum + ";";
    }
  }
  return "typedef " + element + columns + " Columns;\n#define ALIGNED __attribute__((aligned(sizeof(Columns))))\n" +
         define("SUMS", sums) + define("MULTIPLY", multiply + " }") + define("UNPACK", unpack);
}

} // namespace

Status run_gemm(const Context& context, DType dtype, const GemmText& text, Launch& launch, int64_t batches, int64_t m,
                int64_t n, int64_t k) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() - 1024;
  if (m > kMost || n > kMost || k > kMost) return Status::kNoKernel;
  const Tile tile(m, n);
  launch.value(static_cast<int32_t>(m)).value(static_cast<int32_t>(n)).value(static_cast<int32_t>(k));
  const std::string whole =
      std::string("typedef ") + storage_name(dtype) + " T;\n" + define("DEPTH", std::to_string(kDepth)) +
      define("COLUMNS", std::to_string(tile.columns)) + define("HEIGHT", std::to_string(tile.height)) +
      define("WIDTH", std::to_string(tile.width)) + define("ROWS", std::to_string(tile.rows)) + text.head +
      terms(text.term) +
      (context.driver.capabilities.dialect == std::string_view("opencl") ? in_vectors(dtype, tile) : in_arrays()) +
      define("ROW", text.row) + define("COLUMN", text.column) + define("A_AT", text.a) + define("B_AT", text.b) +
      define("STORE", text.store) + "KERNEL run(" + text.parameters + ", i32 M, i32 N, i32 K) {\n  " + text.places +
      "\n" + kBody;
  return launch.run_groups(context, whole, batches * tile.count(m, n));
}

} // namespace cg::programs
