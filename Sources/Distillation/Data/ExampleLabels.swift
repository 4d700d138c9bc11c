import Datasets
import Transformers

/// The labels of a storage's examples: four bytes each, whatever the problem type.
///
/// A code is a class number, the index of a set in ``sets``, or the bits of a float32. -100 stands for no label; as bits it
/// is a NaN, which no label is.
struct ExampleLabels: Sendable, Equatable {
    let problemType: TaskIdentifier
    private let form: DatasetOptions.LabelForm
    /// The number of classes; 1 for regression.
    let classCount: Int
    private(set) var codes: [Int32] = []
    /// The distinct sets, in the order of their first example; empty unless labels are sets.
    private(set) var sets: [[Int]] = []
    private var setIndices: [[Int]: Int32] = [:]

    static let unlabelled = Int32(BatchLabels.unlabelled)

    init(_ problemType: TaskIdentifier, classCount: Int) {
        self.problemType = problemType
        form = problemType.definition.labelForm
        self.classCount = classCount
    }

    /// Labels as they are kept in a file.
    ///
    /// - Returns: `nil` where a code is out of range.
    init?(_ problemType: TaskIdentifier, classCount: Int, codes: [Int32], sets: [[Int]]) {
        self.init(problemType, classCount: classCount)
        let limit =
            switch form {
            case .name: classCount
            case .set: sets.count
            case .number: Int.max
            }
        guard classCount >= 0, sets.allSatisfy({ $0.allSatisfy((0..<classCount).contains) }),
            form == .number
                || codes.allSatisfy({ $0 == Self.unlabelled || (0..<limit).contains(Int($0)) })
        else { return nil }
        self.codes = codes
        self.sets = sets
    }

    init(_ targets: Targets) {
        let classCount =
            switch targets {
            case .classes(_, let count), .sets(_, let count): count
            case .values: 1
            case .scores: 0
            case .groups(let groups): groups.hasQueries ? 0 : 1
            case .tags(let tags): tags.names.count
            case .tokens(let tokens): (tokens.ids.max() ?? -1) + 1
            }
        self.init(targets.task, classCount: classCount)
        append(targets)
    }

    /// Takes more examples' labels, which must be of this problem type.
    mutating func append(_ targets: Targets) {
        switch targets {
        case .classes, .tags, .tokens: codes += targets.classes.map { Int32($0) }
        case .sets(let sets, _): for set in sets { codes.append(set.map { code(of: $0) } ?? Self.unlabelled) }
        case .values(let values): append(numbers: values)
        case .scores(let scores): append(numbers: scores.values)
        case .groups(let groups): append(numbers: groups.labels)
        }
    }

    private mutating func append(numbers: [Float]) {
        codes += numbers.map { $0.isNaN ? Self.unlabelled : Int32(bitPattern: $0.bitPattern) }
    }

    /// Takes examples without labels.
    mutating func append(unlabelled count: Int) { codes += repeatElement(Self.unlabelled, count: count) }

    private mutating func code(of set: [Int]) -> Int32 {
        if let index = setIndices[set] { return index }
        let index = Int32(sets.count)
        setIndices[set] = index
        sets.append(set)
        return index
    }

    /// The same labels of tokens that have other numbers.
    func renumbered(_ ids: [Int32]) -> ExampleLabels {
        var labels = ExampleLabels(problemType, classCount: max(classCount, Int(ids.max() ?? -1) + 1))
        labels.codes = codes.map { $0 == Self.unlabelled ? $0 : ids[Int($0)] }
        return labels
    }

    func isLabeled(_ index: Int) -> Bool { codes[index] != Self.unlabelled }

    func label(_ index: Int) -> Int {
        form == .name ? Int(codes[index]) : BatchLabels.unlabelled
    }

    func labelSet(_ index: Int) -> [Int]? {
        form == .set && isLabeled(index) ? sets[Int(codes[index])] : nil
    }

    func value(_ index: Int) -> Float {
        form == .number ? Float(bitPattern: UInt32(bitPattern: codes[index])) : .nan
    }
}
