import Datasets
import Foundation

/// The contents of a file for token classification, found by reading it once.
struct TagSurvey {
    let labels: LabelMap
    let conversion: TagConversion?
    /// The notes about it for the user.
    let notes: [String]

    /// - Parameters:
    ///   - url: The file.
    ///   - options: How it is read.
    ///   - given: The model's tags; `nil` for the file's own.
    /// - Throws: `DatasetError` for what is wrong with a row.
    init(_ url: URL, options: TaggedOptions, given: LabelMap?) throws {
        let stream = try TaggedStream(url, options: options)
        var detector = TagSchemeDetector()
        var distinct: Set<[UInt8]> = []
        while let row = try stream.next() {
            detector.add(row)
            for tag in row.tags ?? [] { distinct.insert(Array(tag.utf8)) }
        }
        guard stream.hasTags || (options.allowsUntagged && given != nil) else {
            throw RowReader.noLabels(stream.path, stream.columnNames)
        }
        let found = try detector.scheme(path: stream.path)
        let wanted = given.map { Self.scheme($0.names) } ?? (found.scheme == .iob1 ? .iob2 : found.scheme)
        let converts = detector.hasEntities && wanted != found.scheme
        conversion = converts ? TagConversion(from: found.scheme, to: wanted) : nil
        var notes: [String] = []
        if converts {
            notes.append(
                "\(stream.path): the tags are written in \(found.scheme.rawValue.uppercased()); they are read as "
                    + "\(wanted.rawValue.uppercased()).")
        }
        if let first = found.firstIrregularity {
            notes.append(
                "\(stream.path): \(found.irregularCount) tag\(found.irregularCount == 1 ? " does" : "s do") not fit "
                    + "\(found.scheme.rawValue.uppercased()), the first '\(first.tag)' in the sentence of line \(first.line); an entity "
                    + "begins where one must.")
        }
        self.notes = notes
        if let given {
            labels = given
        } else {
            let names =
                stream.tagNames
                ?? distinct.map { String(decoding: $0, as: UTF8.self) }.sorted(by: Self.byBytes)
            // A file may lack a tag that the scheme has, such as one within entities of a single word.
            let types = Set(names.filter { $0.dropFirst().hasPrefix("-") }.map { String($0.dropFirst(2)) })
            let whole =
                detector.hasEntities ? types.flatMap { type in wanted.prefixes.map { $0 + "-" + type } } : []
            if stream.tagNames != nil {
                // Their order is the file's.
                labels = try LabelMap(names: names + Set(whole).subtracting(names).sorted(by: Self.byBytes))
            } else {
                let kept = converts ? names.filter { !$0.dropFirst().hasPrefix("-") } : names
                labels = try LabelMap(names: Set(kept + whole).sorted(by: Self.byBytes))
            }
        }
    }

    private static func byBytes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    /// The scheme in which a model's tags are written.
    static func scheme(_ names: [String]) -> TagScheme {
        let prefixes = Set(names.compactMap { $0.dropFirst().first == "-" ? $0.first : nil })
        if prefixes.contains("L") || prefixes.contains("U") { return .bilou }
        if prefixes.contains("S") { return .iobes }
        if prefixes.contains("E") { return prefixes.contains("B") ? .iobes : .ioe2 }
        return prefixes.contains("B") || prefixes.isEmpty ? .iob2 : .iob1
    }
}
