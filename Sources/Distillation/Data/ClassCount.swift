/// The number of examples of a class.
public struct ClassCount: Sendable, Equatable, Codable {
    /// The class's name.
    public var label: String
    /// Among the training examples.
    public var train: Int
    /// Among the validation examples.
    public var validation: Int
}

extension RunData {
    /// The classes with their examples, in the label map's order; `nil` for regression.
    var classCounts: [ClassCount]? {
        guard problemType.definition.hasClasses else { return nil }
        return zip(labels.names, zip(train.classCounts, validation.classCounts)).map {
            ClassCount(label: $0, train: $1.0, validation: $1.1)
        }
    }

    /// The classes with their training examples, or the range of the labels that are numbers, in one line.
    var labelNote: String {
        guard !problemType.definition.predictsTokens else {
            return "\(train.count) training texts have \(train.rowCount) tokens to predict, of "
                + "\(train.lengths.reduce(0) { $0 + Int($1) })."
        }
        guard let counts = classCounts else {
            let values = (0..<train.count).map { train.value(of: $0) }.filter { !$0.isNaN }
            guard let low = values.min(), let high = values.max() else {
                return "No training text has a label."
            }
            let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
            return String(
                format: "%d training texts have labels from %.6g to %.6g, with a mean of %.6g.", values.count,
                Double(low), Double(high), mean)
        }
        func text(_ counts: some Sequence<ClassCount>) -> String {
            counts.map { "\(Self.short($0.label)) \($0.train)" }.joined(separator: ", ")
        }
        let what = problemType.definition.countTitle
        guard counts.count > 12 else { return "\(what): \(text(counts))." }
        let sorted = counts.enumerated().sorted {
            ($1.element.train, $0.offset) < ($0.element.train, $1.offset)
        }
        .map(\.element)
        return "\(what): \(text(sorted.prefix(9))), … (\(counts.count) in all), the rarest "
            + "\(text(sorted.suffix(2)))."
    }

    /// Warnings about classes that look unintended.
    ///
    /// - Parameter areInferred: True if the classes are those of the data, not a teacher's.
    func labelWarnings(areInferred: Bool) -> [String] {
        guard areInferred, let counts = classCounts else { return [] }
        var warnings = labels.missingValueNames.map { name in
            let count = counts.first { $0.label == name }.map { $0.train + $0.validation } ?? 0
            return
                "A class is named '\(Self.short(name))', as programs write a missing value: \(count) examples have it. If "
                + "they have no label, remove them."
        }
        let labeled = counts.reduce(0) { $0 + $1.train }
        if counts.count > 20, counts.count * 2 > labeled {
            warnings.append(
                "There are \(counts.count) classes for \(labeled) training labels: check that --label-column names the "
                    + "labels. Use --problem-type regression to predict numbers.")
            return warnings
        }
        for count in counts
        where (1..<5).contains(count.train) && count.train * counts.count * 10 < labeled
            && !labels.missingValueNames.contains(count.label)
        {
            warnings.append(
                "The class '\(Self.short(count.label))' has only \(count.train) training "
                    + "example\(count.train == 1 ? "" : "s"): check that it is one.")
        }
        return Array(warnings.prefix(8))
    }

    /// The largest number of classes; with more, a model's last layer takes more memory than any such task justifies.
    static let mostClasses = 100_000

    /// The beginning of a long name.
    private static func short(_ name: String) -> String {
        name.unicodeScalars.count <= 40
            ? name : String(String.UnicodeScalarView(name.unicodeScalars.prefix(39))) + "…"
    }
}
