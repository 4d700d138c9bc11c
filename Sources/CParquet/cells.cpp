#include "cells.h"

#ifdef DISTILL_PARQUET

#include <arrow/util/float16.h>

#include <charconv>
#include <stdexcept>

namespace cparquet {

namespace {

[[noreturn]] void damaged(const char *what) { throw std::runtime_error(what); }

// Throws unless a range given by a file is within bounds.
void check(int64_t start, int64_t end, int64_t count) {
    if (start < 0 || end < start || end > count) damaged("an offset leads out of its column");
}

template <typename Strings>
std::string_view string(const arrow::Array &array, int64_t index) {
    const auto &strings = static_cast<const Strings &>(array);
    const auto &data = strings.value_data();
    check(strings.value_offset(index), strings.value_offset(index + 1), data ? data->size() : 0);
    return strings.GetView(index);
}

// The shortest decimal text that denotes this number.
template <typename Number>
std::string decimal(Number number) {
    char text[64];
    const auto result = std::to_chars(text, text + sizeof text, number);
    if (result.ec != std::errc()) damaged("a number cannot be written");
    return std::string(text, result.ptr);
}

template <typename Numbers>
std::string number(const arrow::Array &array, int64_t index) {
    return decimal(static_cast<const Numbers &>(array).Value(index));
}

std::string half(const arrow::Array &array, int64_t index) {
    const auto bits = static_cast<const arrow::HalfFloatArray &>(array).Value(index);
    return decimal(arrow::util::Float16::FromBits(bits).ToFloat());
}

bool holds_lists(arrow::Type::type id) {
    return id == arrow::Type::LIST || id == arrow::Type::LARGE_LIST || id == arrow::Type::FIXED_SIZE_LIST;
}

template <typename Lists>
std::pair<int64_t, int64_t> range(const arrow::Array &array, int64_t row) {
    const auto &lists = static_cast<const Lists &>(array);
    const int64_t start = lists.value_offset(row), end = start + lists.value_length(row);
    check(start, end, lists.values()->length());
    return {start, end};
}

}  // namespace

cp_form form(const arrow::DataType &type) {
    switch (type.id()) {
        case arrow::Type::STRING:
        case arrow::Type::LARGE_STRING:
        case arrow::Type::STRING_VIEW:
        case arrow::Type::NA: return CP_TEXT;
        case arrow::Type::INT8:
        case arrow::Type::INT16:
        case arrow::Type::INT32:
        case arrow::Type::INT64:
        case arrow::Type::UINT8:
        case arrow::Type::UINT16:
        case arrow::Type::UINT32:
        case arrow::Type::UINT64: return CP_INTEGER;
        case arrow::Type::HALF_FLOAT:
        case arrow::Type::FLOAT:
        case arrow::Type::DOUBLE: return CP_REAL;
        case arrow::Type::BOOL: return CP_BOOLEAN;
        case arrow::Type::DICTIONARY: {
            const cp_form inner = form(*static_cast<const arrow::DictionaryType &>(type).value_type());
            return inner == CP_TEXTS || inner == CP_INTEGERS || inner == CP_REALS ? CP_OTHER : inner;
        }
        case arrow::Type::LIST:
        case arrow::Type::LARGE_LIST:
        case arrow::Type::FIXED_SIZE_LIST:
            switch (form(*type.field(0)->type())) {
                case CP_TEXT: return CP_TEXTS;
                case CP_INTEGER: return CP_INTEGERS;
                case CP_REAL: return CP_REALS;
                default: return CP_OTHER;
            }
        default: return CP_OTHER;
    }
}

Cells::Cells(const arrow::Array &array) : rows_(array.length()) {
    const arrow::Status status = array.Validate();
    if (!status.ok()) damaged(status.ToStringWithoutContextLines().c_str());
    row_is_there_.reserve(rows_);
    firsts_.reserve(rows_ + 1);
    firsts_.push_back(0);
    if (holds_lists(array.type_id())) {
        append_list(array);
        return;
    }
    element_is_there_.reserve(rows_);
    ends_.reserve(rows_);
    for (int64_t row = 0; row < rows_; ++row) {
        append(array, row);
        row_is_there_.push_back(element_is_there_.back());
        firsts_.push_back(static_cast<int64_t>(ends_.size()));
    }
}

void Cells::append_list(const arrow::Array &array) {
    const std::shared_ptr<arrow::Array> values = [&]() -> std::shared_ptr<arrow::Array> {
        switch (array.type_id()) {
            case arrow::Type::LIST: return static_cast<const arrow::ListArray &>(array).values();
            case arrow::Type::LARGE_LIST: return static_cast<const arrow::LargeListArray &>(array).values();
            default: return static_cast<const arrow::FixedSizeListArray &>(array).values();
        }
    }();
    const arrow::Status status = values->Validate();
    if (!status.ok()) damaged(status.ToStringWithoutContextLines().c_str());
    for (int64_t row = 0; row < rows_; ++row) {
        const bool is_there = array.IsValid(row);
        row_is_there_.push_back(is_there);
        if (is_there) {
            const auto [start, end] = [&] {
                switch (array.type_id()) {
                    case arrow::Type::LIST: return range<arrow::ListArray>(array, row);
                    case arrow::Type::LARGE_LIST: return range<arrow::LargeListArray>(array, row);
                    default: return range<arrow::FixedSizeListArray>(array, row);
                }
            }();
            for (int64_t index = start; index < end; ++index) append(*values, index);
        }
        firsts_.push_back(static_cast<int64_t>(ends_.size()));
    }
}

void Cells::append_text(std::string_view text) {
    bytes_.append(text);
    ends_.push_back(static_cast<int64_t>(bytes_.size()));
    element_is_there_.push_back(1);
}

void Cells::append(const arrow::Array &array, int64_t index) {
    if (array.IsNull(index)) {
        ends_.push_back(static_cast<int64_t>(bytes_.size()));
        element_is_there_.push_back(0);
        return;
    }
    switch (array.type_id()) {
        case arrow::Type::STRING: return append_text(string<arrow::StringArray>(array, index));
        case arrow::Type::LARGE_STRING: return append_text(string<arrow::LargeStringArray>(array, index));
        case arrow::Type::STRING_VIEW: {
            // Validate does not check the position of a view; its buffers are few, its views are many.
            const auto &views = static_cast<const arrow::StringViewArray &>(array);
            const auto &view = views.raw_values()[index];
            if (view.size() < 0) damaged("a text has a negative length");
            if (!view.is_inline()) {
                const auto &buffers = array.data()->buffers;
                const int64_t buffer = view.ref.buffer_index + 2LL;
                if (buffer < 2 || buffer >= static_cast<int64_t>(buffers.size()) || !buffers[buffer])
                    damaged("a text lies in no buffer");
                check(view.ref.offset, static_cast<int64_t>(view.ref.offset) + view.size(), buffers[buffer]->size());
            }
            return append_text(views.GetView(index));
        }
        case arrow::Type::INT8: return append_text(number<arrow::Int8Array>(array, index));
        case arrow::Type::INT16: return append_text(number<arrow::Int16Array>(array, index));
        case arrow::Type::INT32: return append_text(number<arrow::Int32Array>(array, index));
        case arrow::Type::INT64: return append_text(number<arrow::Int64Array>(array, index));
        case arrow::Type::UINT8: return append_text(number<arrow::UInt8Array>(array, index));
        case arrow::Type::UINT16: return append_text(number<arrow::UInt16Array>(array, index));
        case arrow::Type::UINT32: return append_text(number<arrow::UInt32Array>(array, index));
        case arrow::Type::UINT64: return append_text(number<arrow::UInt64Array>(array, index));
        case arrow::Type::HALF_FLOAT: return append_text(half(array, index));
        case arrow::Type::FLOAT: return append_text(number<arrow::FloatArray>(array, index));
        case arrow::Type::DOUBLE: return append_text(number<arrow::DoubleArray>(array, index));
        case arrow::Type::BOOL:
            return append_text(static_cast<const arrow::BooleanArray &>(array).Value(index) ? "1" : "0");
        case arrow::Type::DICTIONARY: {
            const auto &codes = static_cast<const arrow::DictionaryArray &>(array);
            const auto &dictionary = codes.dictionary();
            const int64_t code = codes.GetValueIndex(index);
            check(code, code + 1, dictionary->length());
            return append(*dictionary, code);
        }
        default: damaged("the column has another type than the schema says");
    }
}

cp_cells Cells::view() const {
    return {rows_, row_is_there_.data(), firsts_.data(), element_is_there_.data(), ends_.data(), bytes_.data()};
}

}  // namespace cparquet

#endif  // DISTILL_PARQUET
