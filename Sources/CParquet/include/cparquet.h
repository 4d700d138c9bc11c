// The C interface to Apache Arrow's reader of Parquet files: the only connection between Swift and Arrow.
//
// Conventions
// - Every function that can fail returns a `cp_error`: NULL on success, else a text that the caller frees with
//   `cp_error_free`. Results go to out-parameters, which are untouched on failure.
// - No C++ exception ever crosses this interface.
// - A file is used by one thread at a time.
// - Without Arrow (the package's trait `Parquet` is off) there are only declarations.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cp_file_s *cp_file;
typedef char *cp_error;

void cp_error_free(cp_error error);

// The kind of a column's values, whatever type they are stored as.
typedef enum {
    CP_OTHER = 0,  // nothing that can be read as a text or a label
    CP_TEXT,       // UTF-8, plain or dictionary-encoded; or only nulls
    CP_INTEGER,    // of any width
    CP_REAL,
    CP_BOOLEAN,    // read as 0 and 1
    CP_TEXTS,      // a list of texts
    CP_INTEGERS,   // a list of integers
    CP_REALS,      // a list of other numbers
} cp_form;

// The version of Arrow that this was built with, such as "26.0.1".
const char *cp_arrow_version(void);

// Opens a file and reads its footer. `batch_rows` are decoded at a time.
cp_error cp_open(const char *path, int64_t batch_rows, cp_file *file);
void cp_close(cp_file file);

// The top-level columns of the schema. The texts live as long as the file.
int32_t cp_column_count(cp_file file);
const char *cp_column_name(cp_file file, int32_t column);
const char *cp_column_type(cp_file file, int32_t column);
cp_form cp_column_form(cp_file file, int32_t column);

// The value of a key of the file's metadata, which lives as long as the file; NULL if there is none.
cp_error cp_metadata(cp_file file, const char *key, const char **value);

// Selects the columns to read, none of them CP_OTHER and none twice, and starts at the first row.
cp_error cp_select(cp_file file, const int32_t *columns, int32_t count);

// Decodes the next rows; 0 at the end.
cp_error cp_next(cp_file file, int64_t *rows);

// The values of a selected column in the current batch as texts: numbers are written in decimal. Row r has the elements
// firsts[r] ..< firsts[r + 1], exactly one if the column is not a list; element e has the bytes ends[e - 1] ..< ends[e], where
// ends[-1] is 0. The pointers are valid until the next `cp_next`, `cp_select` or `cp_close`.
typedef struct {
    int64_t rows;
    const uint8_t *row_is_there;      // 0: the row's value is null
    const int64_t *firsts;            // rows + 1 of them
    const uint8_t *element_is_there;  // 0: null
    const int64_t *ends;
    const char *bytes;
} cp_cells;

// `index` is that of the column in the order passed to `cp_select`.
cp_error cp_values(cp_file file, int32_t index, cp_cells *cells);

#ifdef __cplusplus
}
#endif
