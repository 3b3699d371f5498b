// Register tile of the dense kernels: TILE_ROWS x TILE_COLUMNS sums per invocation, in blocks of 4 x 4. A block is a
// matrix whose column c holds the four rows of column c. Loops marked `constant` are unrolled by every compiler.

const TILE_ROWS = 8u;
const TILE_COLUMNS = 8u;
const ROW_BLOCKS = TILE_ROWS / 4u;
const COLUMN_BLOCKS = TILE_COLUMNS / 4u;

alias Sums = array<mat4x4f, ROW_BLOCKS * COLUMN_BLOCKS>;
alias Rows = array<vec4f, ROW_BLOCKS>;
alias Columns = array<vec4f, COLUMN_BLOCKS>;

// Adds one term to every sum: rows[i] * columns[j].
fn accumulate(sums: ptr<function, Sums>, rows: Rows, columns: Columns) {
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
            let x = rows[r];
            let w = columns[c];
            (*sums)[c * ROW_BLOCKS + r] += mat4x4f(x * w.x, x * w.y, x * w.z, x * w.w);
        }
    }
}
