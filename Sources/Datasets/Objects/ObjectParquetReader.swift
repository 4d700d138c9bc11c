#if Parquet
    import CParquet
    import Foundation
    import JSON

    /// Rows of a Parquet file as objects that hold its columns of text, and if asked for of numbers; a null is JSON's null.
    struct ObjectParquetReader: ObjectReader {
        private let file: ParquetFile
        private let names: [String]
        private let forms: [cp_form]
        let unreadColumns: [UnreadColumn]
        private var batch: ParquetFile.Batch?
        /// The next row of the batch.
        private var place = 0
        private var row = 0

        /// - Parameters:
        ///   - wanted: The columns that are read where there are such; `nil` reads all columns of text.
        ///   - readsNumbers: True if columns of numbers, and of lists, are read too.
        /// - Throws: ``DatasetError`` for a file that is damaged, for a wanted column that holds no text, and where no column is
        ///   left.
        init(_ url: URL, wanted: [String]?, readsNumbers: Bool = false) throws {
            let file = try ParquetFile(url)
            self.file = file
            let all = file.columns.map(\.name)
            func isWanted(_ name: String) -> Bool {
                wanted?.contains { $0.utf8.elementsEqual(name.utf8) } ?? true
            }
            let usable = all.indices.filter { isWanted(all[$0]) }
            let texts = usable.filter {
                file.columns[$0].form == CP_TEXT || readsNumbers && file.columns[$0].form != CP_OTHER
            }
            if wanted != nil, let other = usable.first(where: { file.columns[$0].form != CP_TEXT }) {
                throw DatasetError(
                    file.path,
                    "the column '\(shown(all[other]))' is of type \(shown(file.columns[other].type)), which is not read from "
                        + "Parquet; write JSON lines, or the column as JSON in a text, or name the columns to read"
                )
            }
            guard !texts.isEmpty else {
                throw DatasetError(
                    file.path,
                    "no column of texts has one of the names \(list(wanted ?? [])); the columns are \(list(all)); name the "
                        + "columns to read")
            }
            let names = texts.map { all[$0] }
            self.names = names
            forms = texts.map { file.columns[$0].form }
            for name in names where all.count(where: { $0.utf8.elementsEqual(name.utf8) }) > 1 {
                throw DatasetError(
                    file.path, "the column '\(shown(name))' occurs twice; rename one of the two")
            }
            unreadColumns = file.columns.filter { $0.form == CP_OTHER }
                .map { UnreadColumn(name: $0.name, type: $0.type) }
            try file.select(texts)
        }

        mutating func next() throws -> ObjectRow? {
            if batch.map({ place == $0.count }) ?? true {
                (batch, place) = (try file.next(), 0)
            }
            guard let batch else { return nil }
            defer { place += 1 }
            row += 1
            var result = ObjectRow([:], line: row)
            result.unit = .row
            for (column, name) in names.enumerated() {
                guard batch.isThere(column, place) else {
                    result.object[name] = .null
                    continue
                }
                let elements = batch.elements(column, place)
                if [CP_TEXTS, CP_INTEGERS, CP_REALS].contains(where: { $0 == forms[column] }) {
                    result.object[name] = .array(
                        try elements.map { try value(batch, column, $0, &result) })
                } else {
                    result.object[name] = try value(batch, column, elements.lowerBound, &result)
                }
            }
            return result
        }

        private func value(
            _ batch: ParquetFile.Batch, _ column: Int, _ element: Int, _ row: inout ObjectRow
        ) throws -> JSONValue {
            guard let bytes = batch.bytes(column, element) else { return .null }
            guard bytes.count <= Limits.row else {
                throw DatasetError(
                    file.path, at: row,
                    "the row is longer than \(Limits.row / 1_000_000) MB; cut its text")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DatasetError(
                    file.path, at: row, "the bytes are not UTF-8; write the file anew from UTF-8")
            }
            row.size += bytes.count
            switch forms[column] {
            case CP_TEXT, CP_TEXTS: return .string(text)
            case CP_INTEGER, CP_INTEGERS, CP_BOOLEAN:
                return Int(text).map { .integer($0) } ?? .string(text)
            default: return Double(text).map { .number($0) } ?? .string(text)
            }
        }
    }
#endif
