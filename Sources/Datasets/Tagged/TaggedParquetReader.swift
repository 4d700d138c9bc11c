#if Parquet
    import CParquet
    import Foundation

    /// Sentences of a Parquet file with lists of words and tags.
    struct TaggedParquetReader: TaggedReader {
        let hasTags: Bool
        let columnNames: [String]
        let tagNames: [String]?
        private let file: ParquetFile
        private let options: TaggedOptions
        // Indices among the columns that are read.
        private let wordPlace = 0
        private let tagPlace: Int?
        private let hasNumbers: Bool
        private var batch: ParquetFile.Batch?
        /// The next row of the batch.
        private var place = 0
        private var row = 0

        /// - Throws: ``DatasetError`` for a file that is damaged or lacks a column, and for columns of other types.
        init(_ url: URL, options: TaggedOptions) throws {
            let file = try ParquetFile(url)
            (self.file, self.options) = (file, options)
            let names = file.columns.map(\.name)
            columnNames = names
            func place(_ chosen: String?, _ usual: [String], _ what: String, needed: Bool) throws -> Int? {
                let wanted = chosen.map { [$0] } ?? usual
                let places = wanted.firstMap { name in
                    let places = names.indices.filter { names[$0].utf8.elementsEqual(name.utf8) }
                    return places.isEmpty ? nil : places
                }
                guard let places else {
                    guard needed else { return nil }
                    throw DatasetError(
                        file.path,
                        (chosen.map { "there is no column '\(shown($0))'" }
                            ?? "no column has a usual name for a list of \(what)")
                            + "; the columns are \(list(names)); choose the column of the \(what)")
                }
                guard places.count == 1 else {
                    throw DatasetError(
                        file.path,
                        "the column '\(shown(names[places[0]]))' occurs twice; rename one of the two")
                }
                return places[0]
            }
            guard options.textColumn == nil,
                let words = try place(options.wordColumn, TaggedColumns.words, "words", needed: true)
            else {
                throw DatasetError(
                    file.path, "texts with spans cannot be read from Parquet; write JSON lines")
            }
            try file.require([CP_TEXTS], of: words, "words must be a list of strings")
            let tags =
                options.readsTags
                ? try place(options.tagColumn, TaggedColumns.tags, "tags", needed: !options.allowsUntagged)
                : nil
            guard let tags, tags != words else {
                guard tags == nil else {
                    throw DatasetError(
                        file.path,
                        "the column '\(shown(names[words]))' is chosen for both the words and the tags")
                }
                (hasTags, tagPlace, hasNumbers, tagNames) = (false, nil, false, nil)
                try file.select([words])
                return
            }
            try file.require([CP_TEXTS, CP_INTEGERS], of: tags, "tags must be a list of strings or integers")
            (hasTags, tagPlace) = (true, 1)
            hasNumbers = file.columns[tags].form == CP_INTEGERS
            tagNames = hasNumbers ? try file.classNames(of: names[tags]) ?? options.tagNames : nil
            try file.select([words, tags])
        }

        mutating func next() throws -> TaggedRow? {
            if batch.map({ place == $0.count }) ?? true {
                (batch, place) = (try file.next(), 0)
            }
            guard let batch else { return nil }
            defer { place += 1 }
            row += 1
            var result = TaggedRow(words: [], line: row)
            result.unit = .row
            guard let words = try texts(batch, wordPlace, "words", result) else {
                throw DatasetError(file.path, at: result, "the words are null; remove the row or fill it")
            }
            result.words = words
            if let tagPlace, let tags = try texts(batch, tagPlace, "tags", result) {
                result.tags =
                    hasNumbers
                    ? try tags.map { try TaggedColumns.tag(Int($0) ?? -1, of: tagNames, file.path, result) }
                    : tags
            }
            return try result.checked(file.path, options)
        }

        private func texts(
            _ batch: ParquetFile.Batch, _ column: Int, _ what: String, _ row: TaggedRow
        ) throws -> [String]? {
            guard batch.isThere(column, place) else { return nil }
            return try batch.elements(column, place).map { element in
                guard let bytes = batch.bytes(column, element) else {
                    throw DatasetError(
                        file.path, at: row, "one of the \(what) is null; remove the row or fill it")
                }
                guard bytes.count <= Limits.row, let text = String(validating: bytes, as: UTF8.self) else {
                    throw DatasetError(
                        file.path, at: row, "the bytes are not UTF-8; write the file anew from UTF-8")
                }
                return text
            }
        }
    }
#endif
