#if Parquet
    import CParquet
    import Foundation

    /// Rows of a Parquet file, decoded a thousand at a time by Apache Arrow.
    struct ParquetReader: RecordReader {
        let hasPairs: Bool
        let hasLabels: Bool
        let hasArrays: Bool
        let classNames: [String]?
        let columnNames: [String]
        private let file: ParquetFile
        private let options: DatasetOptions
        private let textName: String
        private let pairName: String?
        // Indices among the columns that are read.
        private let textIndex: Int
        private let pairIndex: Int?
        private let labelIndex: Int?
        private var batch: ParquetFile.Batch?
        /// The next row of the batch.
        private var index = 0
        private var row = 0

        /// - Throws: ``DatasetError`` for a file that is damaged or lacks a column, and for columns of other types.
        init(_ url: URL, options: DatasetOptions) throws {
            let file = try ParquetFile(url)
            (self.file, self.options) = (file, options)
            let names = file.columns.map(\.name)
            columnNames = names
            let columns = try Columns(names: names, options: options, path: file.path)
            for text in [columns.text] + [columns.pair].compactMap(\.self) {
                try file.require([CP_TEXT], of: text, "texts must be strings")
            }
            (textName, pairName) = (names[columns.text], columns.pair.map { names[$0] })
            hasPairs = columns.pair != nil
            hasLabels = columns.label != nil
            if let label = columns.label {
                try file.requireLabels(label, options.labelForm)
                let form = file.columns[label].form
                hasArrays = form == CP_TEXTS || form == CP_INTEGERS
                classNames =
                    form == CP_INTEGER || form == CP_INTEGERS
                    ? try file.classNames(of: names[label]) : nil
            } else {
                (hasArrays, classNames) = (false, nil)
            }
            // One column may have two uses; it is read once.
            var chosen: [Int] = []
            for column in [columns.text, columns.pair, columns.label].compactMap(\.self)
            where !chosen.contains(column) { chosen.append(column) }
            labelIndex = columns.label.flatMap(chosen.firstIndex(of:))
            textIndex = chosen.firstIndex(of: columns.text) ?? 0
            pairIndex = columns.pair.flatMap(chosen.firstIndex(of:))
            try file.select(chosen)
        }

        mutating func next() throws -> TextRow? {
            if batch.map({ index == $0.count }) ?? true {
                (batch, index) = (try file.next(), 0)
            }
            guard let batch else { return nil }
            defer { index += 1 }
            row += 1
            var result = TextRow(text: "", line: row)
            result.unit = .row
            result.text = try text(batch, textIndex, textName, result)
            if let pairIndex, let pairName { result.pair = try text(batch, pairIndex, pairName, result) }
            if let labelIndex { try readLabel(batch, labelIndex, into: &result) }
            return try result.checked(file.path, options)
        }

        private func text(_ batch: ParquetFile.Batch, _ column: Int, _ name: String, _ row: TextRow) throws
            -> String
        {
            guard let value = try value(batch, column, batch.elements(column, index).lowerBound, row) else {
                throw DatasetError(file.path, at: row, "'\(name)' must be a string, got null")
            }
            return value
        }

        private func value(_ batch: ParquetFile.Batch, _ column: Int, _ element: Int, _ row: TextRow) throws
            -> String?
        {
            guard let bytes = batch.bytes(column, element) else { return nil }
            guard bytes.count <= Limits.row else {
                throw DatasetError(
                    file.path, at: row, "the row is longer than \(Limits.row / 1_000_000) MB; cut its text")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DatasetError(
                    file.path, at: row, "the bytes are not UTF-8; write the file anew from UTF-8")
            }
            return text
        }

        private func readLabel(_ batch: ParquetFile.Batch, _ column: Int, into row: inout TextRow) throws {
            guard batch.isThere(column, index) else { return try refuseNull(row) }
            let elements = try batch.elements(column, index).map { try value(batch, column, $0, row) }
            if hasArrays {
                row.labelSet = try elements.map { element in
                    guard let element else {
                        throw DatasetError(
                            file.path, at: row, "the labels must be strings or integers, got null among them")
                    }
                    return element
                }
                return
            }
            // `datasets` writes -1 where a class is unknown.
            guard let label = elements[0], !(classNames != nil && label == "-1") else {
                return try refuseNull(row)
            }
            row.label = label
        }

        private func refuseNull(_ row: TextRow) throws {
            guard options.allowsUnlabeled else {
                throw DatasetError(
                    file.path, at: row,
                    "the label is null\(classNames == nil ? "" : " (or -1)"); remove the row or fill it")
            }
        }
    }
#endif
