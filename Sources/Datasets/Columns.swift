/// The columns of a file that hold the text, its pair and the label.
struct Columns: Equatable {
    let text: Int
    let pair: Int?
    let label: Int?

    private static let pairs = [
        ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"),
        ("question", "sentence"),
        ("text_a", "text_b"), ("text", "text_pair"), ("query", "document"), ("query", "passage"),
    ]
    private static let texts = [
        "text", "sentence", "review", "content", "comment", "tweet", "question", "query", "utterance",
    ]
    /// Usual names of a label's column, the most usual first.
    static let labels = [
        "label", "labels", "category", "class", "target", "intent", "sentiment", "coarse_label",
    ]

    /// - Throws: ``DatasetError`` that lists the columns where one is missing or none fits, and for a chosen column whose
    ///   name another has too. Columns that are not used may share a name.
    init(names: [String], options: DatasetOptions, path: String) throws {
        try self.init(names: names, options: options, path: path, needsLabel: true)
    }

    /// - Parameter needsLabel: True if a label column that the options name must exist.
    init(names: [String], options: DatasetOptions, path: String, needsLabel: Bool) throws {
        var places: [[UInt8]: [Int]] = [:]
        for (place, name) in names.enumerated() { places[Array(name.utf8), default: []].append(place) }
        func place(_ name: String) -> Int? { places[Array(name.utf8)]?.first }
        func required(_ name: String, _ option: String) throws -> Int {
            guard let index = place(name) else {
                throw DatasetError(
                    path,
                    "there is no column '\(shown(name))'; the columns are \(list(names)); choose one with \(option)"
                )
            }
            return index
        }
        let label =
            try !options.readsLabels
            ? nil
            : options.labelColumn.map {
                try needsLabel || place($0) != nil ? required($0, "--label-column") : nil
            } ?? options.labelColumns.firstMap(place)
        let text: Int
        var pair: Int?
        let guessed = Self.pairs.firstMap { first, second in
            place(first).flatMap { a in place(second).map { (a, $0) } }
        }
        if let name = options.textColumn {
            text = try required(name, "--text-column")
            pair = try options.pairColumn.map { try required($0, "--text-pair-column") }
        } else if let guessed, options.pairColumn == nil {
            (text, pair) = guessed
        } else {
            guard let index = Self.texts.firstMap(place) ?? guessed?.0 else {
                throw DatasetError(
                    path,
                    "no column has a usual name for the text; the columns are \(list(names)); choose one with --text-column"
                )
            }
            text = index
            pair = try options.pairColumn.map { try required($0, "--text-pair-column") }
        }
        for column in [text, pair, label].compactMap(\.self)
        where places[Array(names[column].utf8)]?.count != 1 {
            throw DatasetError(
                path, "the column '\(shown(names[column]))' occurs twice; rename one of the two")
        }
        (self.text, self.pair, self.label) = (text, pair, label)
    }
}

extension DatasetOptions {
    /// The names of a label's column that are looked for where none is chosen.
    var labelColumns: [String] { Columns.labels + furtherLabelColumns }
}

extension Columns {
    /// The places of the columns that have usual names for a text, or for two; `nil` where none has.
    static func usual(_ names: [String]) -> (text: Int, pair: Int?)? {
        func place(_ name: String) -> Int? { names.firstIndex { $0.utf8.elementsEqual(name.utf8) } }
        if let both = pairs.firstMap({ first, second in
            place(first).flatMap { a in place(second).map { (a, $0) } }
        }) {
            return (both.0, both.1)
        }
        return texts.firstMap(place).map { ($0, nil) }
    }
}

extension Sequence {
    /// The first result that is not `nil`.
    func firstMap<Result>(_ transform: (Element) -> Result?) -> Result? {
        for element in self { if let result = transform(element) { return result } }
        return nil
    }
}
