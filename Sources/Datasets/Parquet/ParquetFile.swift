#if Parquet
    import CParquet
    import Foundation
    import JSON

    /// A Parquet file, opened by Apache Arrow through the C shim.
    final class ParquetFile {
        /// A column at the top of the schema.
        struct Column {
            let name: String
            /// Its type in Arrow's words.
            let type: String
            let form: cp_form
        }

        let path: String
        let columns: [Column]
        private let handle: cp_file
        private var columnCount = 0

        /// Rows that are decoded at a time.
        static let batchSize: Int64 = 1024

        /// - Throws: ``DatasetError``.
        init(_ url: URL) throws {
            path = url.path(percentEncoded: false)
            var handle: cp_file?
            try Self.check(path, cp_open(path, Self.batchSize, &handle))
            guard let handle else { throw DatasetError(path, "Arrow opened nothing") }
            self.handle = handle
            columns = (0..<cp_column_count(handle)).map {
                Column(
                    name: String(cString: cp_column_name(handle, $0)),
                    type: String(cString: cp_column_type(handle, $0)), form: cp_column_form(handle, $0))
            }
        }

        deinit { cp_close(handle) }

        /// Chooses the columns that ``next()`` reads.
        ///
        /// - Throws: ``DatasetError``.
        func select(_ chosen: [Int]) throws {
            let indices = chosen.map(Int32.init)
            columnCount = indices.count
            try Self.check(path, cp_select(handle, indices, Int32(indices.count)))
        }

        /// The next rows; `nil` at the end.
        ///
        /// - Throws: ``DatasetError`` where the file is damaged.
        func next() throws -> Batch? {
            var rows: Int64 = 0
            try Self.check(path, cp_next(handle, &rows))
            guard rows > 0 else { return nil }
            let cells = try (0..<columnCount).map { column in
                var cells = cp_cells()
                try Self.check(path, cp_values(handle, Int32(column), &cells))
                return cells
            }
            return Batch(count: Int(rows), cells: cells)
        }

        /// Rows in the library's memory, which holds until the next batch.
        struct Batch {
            let count: Int
            fileprivate let cells: [cp_cells]

            /// Returns true if a row's value is not null.
            func isThere(_ column: Int, _ row: Int) -> Bool { cells[column].row_is_there[row] != 0 }

            /// The elements of a row's list; one where the column holds no lists.
            func elements(_ column: Int, _ row: Int) -> Range<Int> {
                let firsts = cells[column].firsts
                return firsts.map { Int($0[row])..<Int($0[row + 1]) } ?? 0..<0
            }

            /// The text of an element; `nil` where it is null.
            func bytes(_ column: Int, _ element: Int) -> UnsafeRawBufferPointer? {
                let cells = cells[column]
                guard cells.element_is_there[element] != 0 else { return nil }
                let start = element == 0 ? 0 : Int(cells.ends[element - 1])
                return UnsafeRawBufferPointer(
                    start: cells.bytes + start, count: Int(cells.ends[element]) - start)
            }
        }

        /// - Throws: ``DatasetError`` with the text of the library's error, in one line.
        private static func check(_ path: String, _ error: cp_error?) throws {
            guard let error else { return }
            defer { cp_error_free(error) }
            let text = String(cString: error).split(whereSeparator: \.isNewline).joined(separator: " ")
            throw DatasetError(path, "this Parquet file cannot be read: \(text); fetch or make it again")
        }
    }

    extension ParquetFile {
        /// - Throws: ``DatasetError`` that names the column and its type where it is none of these.
        func require(_ forms: [cp_form], of column: Int, _ rule: String) throws {
            let column = columns[column]
            guard !forms.contains(where: { $0 == column.form }) else { return }
            throw DatasetError(path, "the column '\(column.name)' is of type \(column.type); \(rule)")
        }

        /// - Throws: ``DatasetError`` where a column cannot hold labels of a form.
        func requireLabels(_ column: Int, _ form: DatasetOptions.LabelForm) throws {
            switch form {
            case .name:
                let isList = [CP_TEXTS, CP_INTEGERS].contains { $0 == columns[column].form }
                try require(
                    [CP_TEXT, CP_INTEGER, CP_BOOLEAN], of: column,
                    "a label must be a string, an integer or a boolean"
                        + (isList ? "; several labels need --problem-type multi_label_classification" : ""))
            case .set:
                try require(
                    [CP_TEXTS, CP_INTEGERS, CP_TEXT, CP_INTEGER], of: column,
                    "labels must be a list of strings or integers, or a string")
            case .number:
                try require([CP_REAL, CP_INTEGER, CP_TEXT], of: column, "regression needs numbers")
            }
        }

        /// The names of a column's classes, as `datasets` keeps them in the file's metadata under `huggingface`.
        ///
        /// - Returns: `nil` where there are none.
        /// - Throws: ``DatasetError`` for metadata that are no JSON, and names that occur twice.
        func classNames(of column: String) throws -> [String]? {
            var value: UnsafePointer<CChar>?
            try Self.check(path, cp_metadata(handle, "huggingface", &value))
            guard let value else { return nil }
            let metadata: JSONValue
            do { metadata = try JSONValue.parse(Array(String(cString: value).utf8)) } catch let error
                as JSONError
            {
                throw DatasetError(path, "the metadata 'huggingface' are not JSON: \(error)")
            }
            let features = metadata.objectValue?["info"]?.objectValue?["features"]?.objectValue
            // Of a list the element's: {"feature": …}, or in an array of one.
            let feature = features?[column]
            let element =
                feature?.objectValue?["feature"]?.objectValue ?? feature?.arrayValue?.first?.objectValue
                ?? feature?.objectValue
            guard element?["_type"]?.stringValue == "ClassLabel", let names = element?["names"]?.arrayValue
            else { return nil }
            let texts = names.compactMap(\.stringValue)
            guard texts.count == names.count, Set(texts.map { Array($0.utf8) }).count == texts.count else {
                throw DatasetError(
                    path,
                    "the names of the classes of '\(column)' in the metadata 'huggingface' are not distinct strings"
                )
            }
            return texts
        }
    }
#endif
