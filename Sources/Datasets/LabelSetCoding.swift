import Foundation

/// The way in which data write a label that is a set of classes.
public enum LabelSetCoding: Sendable, Equatable {
    /// The names or numbers of the classes that apply.
    case classes
    /// A 0 or a 1 for each of so many classes, in their order.
    case indicators(Int)
}

extension LabelSetCoding {
    /// Determines the coding of a data set's label sets from its rows.
    ///
    /// Indicators are rows of 0 and 1 alone, all of one length; as class numbers they would name a class twice, or
    /// always the same two.
    struct Detector {
        private var length: Int?
        private var areIndicators = true
        private var hasTruthValues = false
        /// The first row that names a class number twice.
        private var repeated: TextRow?
        /// True if every row is 0, 1, which means either class 1 of two or both classes.
        private var isAlwaysBoth = true

        /// Takes a row into account.
        ///
        /// - Returns: True if further rows may still matter.
        mutating func add(_ row: TextRow) -> Bool {
            guard let set = row.labelSet else { return true }
            hasTruthValues = hasTruthValues || row.hasTruthValues
            areIndicators =
                areIndicators && set.count == (length ?? set.count)
                && set.allSatisfy { $0 == "0" || $0 == "1" }
                && (set.count > 1 || set.count == 1 && row.hasTruthValues)
            length = set.count
            if set != ["0", "1"] { isAlwaysBoth = false }
            if repeated == nil, Set(set).count < set.count { repeated = row }
            return areIndicators
        }

        /// Returns the coding of the rows' sets.
        ///
        /// - Parameters:
        ///   - map: The classes; `nil` where the data's own are wanted.
        ///   - path: Gives the path of the file that a row is from.
        /// - Throws: ``DatasetError`` where indicators are of another number of classes, or may as well be class numbers.
        func coding(for map: LabelMap?, path: (TextRow) -> String, source: String) throws -> LabelSetCoding {
            // Where 0 and 1 are names, they mean these.
            guard areIndicators, let length,
                map.map({ $0.id(of: "0") == nil && $0.id(of: "1") == nil }) ?? true
            else { return .classes }
            if let map, map.count != length {
                guard let row = repeated else {
                    guard hasTruthValues else { return .classes }
                    throw DatasetError(
                        source,
                        "the labels are \(length) truth values each, but there are "
                            + "\(map.count) classes (\(list(map.names))); give one for each class, or their names"
                    )
                }
                throw DatasetError(
                    path(row), at: row,
                    "the labels are only 0 and 1, always \(length) of them: they look like indicators, but there are "
                        + "\(map.count) classes (\(list(map.names))); give one for each class, or the names or numbers "
                        + "of the classes that apply")
            }
            guard length != 2 || !isAlwaysBoth || hasTruthValues else {
                throw DatasetError(
                    source,
                    "every label is 0, 1: this may be the classes 0 and 1, or an indicator of class 1 alone; write "
                        + "the names of the classes that apply")
            }
            return .indicators(length)
        }
    }
}

extension TextStream {
    /// Returns the way in which a data set writes labels that are sets: read from the first rows, or, where they look
    /// like indicators, from all.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several.
    ///   - options: The options for reading it; the labels' form is that of sets.
    ///   - map: The classes; `nil` for the data's own.
    /// - Throws: ``DatasetError`` for what is wrong with the rows that were read; `FileError`.
    public static func labelSetCoding(
        _ url: URL, options: DatasetOptions, map: LabelMap?
    ) throws -> LabelSetCoding {
        var options = options
        options.labelForm = .set
        let stream = try TextStream(url, options: options)
        var detector = LabelSetCoding.Detector()
        while let row = try stream.next(), detector.add(row) {}
        return try detector.coding(for: map, path: stream.path(of:), source: stream.path)
    }
}
