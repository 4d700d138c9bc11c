#include "cparquet.h"

#ifdef DISTILL_PARQUET

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/config.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "cells.h"

struct cp_file_s {
    std::unique_ptr<parquet::arrow::FileReader> reader;
    std::shared_ptr<arrow::Schema> schema;
    std::vector<std::string> types;
    // For each chosen column its index in a batch, which has them in the file's order.
    std::vector<int> indices;
    std::unique_ptr<arrow::RecordBatchReader> batches;
    std::shared_ptr<arrow::RecordBatch> batch;
    std::vector<std::unique_ptr<cparquet::Cells>> cells;
};

namespace {

cp_error text(const char *what) {
    char *copy = strdup(what);
    // Out of memory even for this: still an error, and `cp_error_free` frees it.
    return copy ? copy : static_cast<char *>(std::calloc(1, 1));
}

void check(const arrow::Status &status) {
    if (!status.ok()) throw std::runtime_error(status.ToStringWithoutContextLines());
}

// Catches every exception of the body.
template <typename Body>
cp_error guarded(Body body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const std::bad_alloc &) {
        return text("there is not enough memory");
    } catch (const std::exception &error) {
        return text(error.what());
    } catch (...) {
        return text("an unknown error");
    }
}

// Files are read in order, in chunks: no threads, no read-ahead, pages through a small buffer.
std::unique_ptr<parquet::arrow::FileReader> open(const char *path, int64_t batch_rows) {
    auto input = arrow::io::ReadableFile::Open(path);
    check(input.status());
    parquet::ReaderProperties properties;
    properties.enable_buffered_stream();
    properties.set_buffer_size(1 << 18);
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_use_threads(false);
    arrow_properties.set_pre_buffer(false);
    arrow_properties.set_batch_size(batch_rows);
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(*input, properties));
    std::unique_ptr<parquet::arrow::FileReader> reader;
    check(builder.properties(arrow_properties)->Build(&reader));
    return reader;
}

bool is_column(cp_file file, int32_t column) { return column >= 0 && column < file->schema->num_fields(); }

}  // namespace

void cp_error_free(cp_error error) { std::free(error); }

const char *cp_arrow_version(void) { return ARROW_VERSION_STRING; }

cp_error cp_open(const char *path, int64_t batch_rows, cp_file *file) {
    return guarded([&] {
        auto result = std::make_unique<cp_file_s>();
        result->reader = open(path, std::max<int64_t>(1, batch_rows));
        check(result->reader->GetSchema(&result->schema));
        const auto &root = *result->reader->parquet_reader()->metadata()->schema()->group_node();
        if (root.field_count() != result->schema->num_fields())
            throw std::runtime_error("the schema of Arrow is not that of Parquet");
        for (const auto &field : result->schema->fields()) result->types.push_back(field->type()->ToString());
        *file = result.release();
    });
}

void cp_close(cp_file file) {
    cp_error error = guarded([&] { delete file; });
    cp_error_free(error);
}

int32_t cp_column_count(cp_file file) { return file->schema->num_fields(); }

const char *cp_column_name(cp_file file, int32_t column) {
    return is_column(file, column) ? file->schema->field(column)->name().c_str() : "";
}

const char *cp_column_type(cp_file file, int32_t column) {
    return is_column(file, column) ? file->types[column].c_str() : "";
}

cp_form cp_column_form(cp_file file, int32_t column) {
    return is_column(file, column) ? cparquet::form(*file->schema->field(column)->type()) : CP_OTHER;
}

cp_error cp_metadata(cp_file file, const char *key, const char **value) {
    return guarded([&] {
        const auto &metadata = file->reader->parquet_reader()->metadata()->key_value_metadata();
        const int index = metadata ? metadata->FindKey(key) : -1;
        *value = index < 0 ? nullptr : metadata->value(index).c_str();
    });
}

cp_error cp_select(cp_file file, const int32_t *columns, int32_t count) {
    return guarded([&] {
        std::vector<int> chosen(columns, columns + count);
        for (int column : chosen)
            if (!is_column(file, column) || cp_column_form(file, column) == CP_OTHER)
                throw std::invalid_argument("a column that cannot be read was chosen");
        std::vector<int> sorted = chosen;
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
            throw std::invalid_argument("a column was chosen twice");

        // Parquet counts leaves: a list is one column here and one leaf there, but others may have several.
        const auto *schema = file->reader->parquet_reader()->metadata()->schema();
        std::vector<int> leaves;
        for (int leaf = 0; leaf < schema->num_columns(); ++leaf) {
            const int root = schema->group_node()->FieldIndex(*schema->GetColumnRoot(leaf));
            if (std::binary_search(sorted.begin(), sorted.end(), root)) leaves.push_back(leaf);
        }
        std::vector<int> groups(file->reader->num_row_groups());
        for (size_t group = 0; group < groups.size(); ++group) groups[group] = static_cast<int>(group);

        file->cells.clear();
        file->batch.reset();
        file->batches.reset();
        auto batches = file->reader->GetRecordBatchReader(groups, leaves);
        check(batches.status());
        file->batches = std::move(*batches);
        file->indices.clear();
        for (int column : chosen)
            file->indices.push_back(static_cast<int>(
                std::lower_bound(sorted.begin(), sorted.end(), column) - sorted.begin()));
        if (file->batches->schema()->num_fields() != count)
            throw std::runtime_error("the columns of a batch are not those that were chosen");
    });
}

cp_error cp_next(cp_file file, int64_t *rows) {
    return guarded([&] {
        if (!file->batches) throw std::logic_error("no columns were chosen");
        file->cells.clear();
        do {
            file->batch.reset();
            check(file->batches->ReadNext(&file->batch));
        } while (file->batch && file->batch->num_rows() == 0);
        file->cells.resize(file->indices.size());
        *rows = file->batch ? file->batch->num_rows() : 0;
    });
}

cp_error cp_values(cp_file file, int32_t index, cp_cells *result) {
    return guarded([&] {
        if (!file->batch || index < 0 || index >= static_cast<int32_t>(file->indices.size()))
            throw std::logic_error("there is no such column in this batch");
        auto &cells = file->cells[index];
        if (!cells) {
            const auto column = file->batch->column(file->indices[index]);
            if (!column) throw std::runtime_error("a batch has no such column");
            cells = std::make_unique<cparquet::Cells>(*column);
        }
        *result = cells->view();
    });
}

#endif  // DISTILL_PARQUET
