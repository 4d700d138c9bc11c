import Datasets
import Files
import Foundation

/// Reads a teacher's scores for the texts of data files: by their texts, or where rows have none in their order.
struct ScoreMatching {
    let survey: ScoreSurvey
    /// The files of scores, or the data files that hold them.
    let files: [URL]
    /// The data files, of which the first are trained on.
    let data: [URL]
    /// The number of data files that must have scores.
    let required: Int
    let columns: DataColumns
    private(set) var conversion: ScoreConversion
    /// Rows of scores that no text needs.
    private(set) var unused = 0

    init(
        _ survey: ScoreSurvey, files: [URL], data: [URL], required: Int, columns: DataColumns,
        conversion: ScoreConversion
    ) {
        (self.survey, self.files, self.data, self.required) = (survey, files, data, required)
        (self.columns, self.conversion) = (columns, conversion)
    }

    /// True if rows are found by their texts.
    var isByText: Bool { survey.hasTexts && !survey.request.files.isEmpty }

    /// - Parameter counts: The number of examples of each data file.
    /// - Throws: `DatasetError` and ``DistillationError`` for texts without scores, and scores that contradict one another.
    mutating func table(_ counts: [Int]) throws -> ScoreTable {
        try isByText ? byText() : byOrder(counts)
    }

    // MARK: - By order

    private mutating func byOrder(_ counts: [Int]) throws -> ScoreTable {
        guard files.count == data.count || files.count >= required && files.count < data.count else {
            throw DistillationError(
                "\(survey.request.name): the rows have no texts, so that they belong to the data files in order, and there are "
                    + "\(files.count) for \(data.count) (\(data.map(\.lastPathComponent).joined(separator: ", "))); give "
                    + "--teacher-scores once for each, or write the texts")
        }
        var (values, rows) = ([Float](), [[UInt32]?]())
        for (index, file) in files.enumerated() {
            guard survey.rows[index] == counts[index] else {
                throw DistillationError(
                    "\(file.path): there are \(survey.rows[index]) rows of scores for the \(counts[index]) texts of "
                        + "\(data[index].path); without texts each belongs to the one in its place, so write one for each"
                )
            }
            let start = values.count / conversion.labels.map.count
            let stream = try ScoreStream(file, options: survey.request.options(columns))
            var order: ScoreOrder?
            while let row = try stream.next() {
                if !row.others.isEmpty, !survey.request.files.isEmpty {
                    if order == nil { order = try ScoreOrder(data[index], options) }
                    try order?.check(row, of: stream)
                }
                values += try logits(row, stream)
            }
            try require(stream, index)
            rows.append((0..<counts[index]).map { UInt32(start + $0) })
        }
        rows += [[UInt32]?](repeating: nil, count: data.count - files.count)
        return ScoreTable(classes: conversion.labels.map.count, values: values, rows: rows)
    }

    private mutating func logits(_ row: ScoreRow, _ stream: ScoreStream) throws -> [Float] {
        do { return try conversion.logits(row.values) } catch let error as ScoreProblem {
            throw stream.error(about: row, error.reason)
        }
    }

    /// - Throws: `DatasetError` where the file is another than at the first reading.
    private func require(_ stream: ScoreStream, _ index: Int) throws {
        guard stream.sha256 == survey.digests[index] else { throw DatasetError.changed(stream.path) }
    }

    // MARK: - By text

    /// The texts of the data files, and the row of each.
    private struct Texts {
        var slots: [ExampleKey: UInt32] = [:]
        /// For each data file the slots of its rows.
        var rows: [[UInt32]] = []
    }

    private mutating func byText() throws -> ScoreTable {
        let texts = try readTexts()
        let classes = conversion.labels.map.count
        var values = [Float](repeating: 0, count: texts.slots.count * classes)
        var origins = [String?](repeating: nil, count: texts.slots.count)
        var scratch: [UInt8] = []
        for (index, file) in files.enumerated() {
            let stream = try ScoreStream(file, options: survey.request.options(columns))
            while let row = try stream.next() {
                guard let slot = texts.slots[ExampleKey(row.text ?? "", row.pair, &scratch)] else {
                    unused += 1
                    continue
                }
                let (own, place) = (try logits(row, stream), Int(slot) * classes)
                let origin = String(stream.error(about: row, "").description.dropLast(2))
                if let earlier = origins[Int(slot)] {
                    guard own.elementsEqual(values[place..<place + classes]) else {
                        throw stream.error(
                            about: row,
                            "the text has other scores here than in \(earlier): '\(DatasetError.shown(row.text ?? ""))'; keep one of "
                                + "both")
                    }
                    continue
                }
                origins[Int(slot)] = origin
                values.replaceSubrange(place..<place + classes, with: own)
            }
            try require(stream, index)
        }
        var rows: [[UInt32]?] = []
        for (index, slots) in texts.rows.enumerated() {
            let missing = slots.indices.filter { origins[Int(slots[$0])] == nil }
            if missing.count == slots.count, index >= required {
                rows.append(nil)
                continue
            }
            guard let row = missing.first else {
                rows.append(slots)
                continue
            }
            throw DistillationError(
                "\(data[index].path): \(missing.count) of its \(slots.count) texts have no scores in \(survey.request.name), the first "
                    + "is \(try text(row, of: data[index])); texts must be the same byte by byte: write scores for all, or leave these "
                    + "texts out")
        }
        return ScoreTable(classes: classes, values: values, rows: rows)
    }

    private var options: DatasetOptions {
        var options = columns.options
        options.readsLabels = false
        return options
    }

    private func readTexts() throws -> Texts {
        var (texts, scratch) = (Texts(), [UInt8]())
        for file in data {
            let stream = try TextStream(file, options: options)
            var rows: [UInt32] = []
            while let row = try stream.next() {
                guard (row.pair != nil) == survey.hasPairs else {
                    throw DistillationError(
                        "\(survey.request.name): the rows have \(survey.hasPairs ? "two texts" : "one text"), those of \(file.path) "
                            + "\(row.pair == nil ? "one" : "two"); name the columns alike, as for --text-column and --text-pair-column"
                    )
                }
                let key = ExampleKey(row.text, row.pair, &scratch)
                let slot = texts.slots[key] ?? UInt32(texts.slots.count)
                texts.slots[key] = slot
                rows.append(slot)
            }
            texts.rows.append(rows)
        }
        return texts
    }

    /// A row of a data file for an error.
    private func text(_ index: Int, of file: URL) throws -> String {
        let stream = try TextStream(file, options: options)
        while let row = try stream.next() {
            if stream.count == index + 1 { return "line \(row.line): '\(DatasetError.shown(row.text))'" }
        }
        return "row \(index + 1)"
    }
}

extension ExampleKey {
    /// The key of a text, or of a pair, by its bytes.
    ///
    /// - Parameter scratch: Memory that is reused for each key.
    init(_ text: String, _ pair: String?, _ scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        // The length first, so that the texts of a pair cannot be confused.
        for byte in 0..<8 { scratch.append(UInt8(truncatingIfNeeded: text.utf8.count >> (8 * byte))) }
        scratch += text.utf8
        if let pair {
            scratch.append(1)
            scratch += pair.utf8
        }
        let (high, low) = scratch.withUnsafeBytes { Digest.short($0) }
        self.init(high: high, low: low)
    }
}
