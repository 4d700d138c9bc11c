// A column of a batch as texts. The file's statements about its values are verified before the values are accessed.
#pragma once

#ifdef DISTILL_PARQUET

#include <arrow/api.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cparquet.h"

namespace cparquet {

// The kind of a type's values.
cp_form form(const arrow::DataType &type);

class Cells {
public:
    // Throws std::exception if the array is damaged.
    explicit Cells(const arrow::Array &array);

    cp_cells view() const;

private:
    void append_list(const arrow::Array &array);
    // Appends an element: a value that is not a list, or null.
    void append(const arrow::Array &array, int64_t index);
    void append_text(std::string_view text);

    int64_t rows_;
    std::vector<uint8_t> row_is_there_;
    std::vector<int64_t> firsts_;
    std::vector<uint8_t> element_is_there_;
    std::vector<int64_t> ends_;
    std::string bytes_;
};

}  // namespace cparquet

#endif  // DISTILL_PARQUET
