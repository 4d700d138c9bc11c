/// The map from the student's layers to the teacher's layers that they are compared with.
enum LayerMap: Equatable {
    /// Every layer of the student, from the teacher's at the same fraction of the depth.
    case uniform
    /// The student's layers but the last, from the teacher's at the same fraction of the depth: PKD-Skip.
    case skip
    /// The student's layers but the last, from the teacher's just before its last: PKD-Last.
    case last
    /// The last layers of both.
    case final
    /// Numbers of both sides.
    case pairs([Pair])

    /// Numbers of a layer, or a hidden state, on both sides.
    struct Pair: Hashable {
        var student: Int
        var teacher: Int
    }

    /// The unit that the numbers count.
    enum Counting {
        /// Hidden states: 0 is the embeddings' output.
        case hiddenStates
        /// Layers, from 0.
        case layers

        var words: String { self == .layers ? "layer" : "hidden state" }
    }

    static func option(default defaultValue: String, _ counting: Counting) -> ObjectiveOption {
        let numbers = counting == .layers ? "layers from 0" : "hidden states, 0 the embeddings"
        return ObjectiveOption(
            "layers", default: defaultValue,
            "uniform, skip, last, final, or pairs student:teacher as [1:2, 2:4] (\(numbers); −1 is the last)")
    }

    /// Reads the option `layers`.
    init(_ options: ObjectiveOptions) throws {
        let text = try options.text("layers")
        switch text {
        case "uniform": self = .uniform
        case "skip": self = .skip
        case "last": self = .last
        case "final": self = .final
        default:
            let pairs = ObjectiveOptions.list(text).map { part -> Pair? in
                let sides = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
                guard sides.count == 2, let student = sides[0], let teacher = sides[1] else { return nil }
                return Pair(student: student, teacher: teacher)
            }
            guard !pairs.isEmpty, pairs.allSatisfy({ $0 != nil }) else {
                throw options.wrong(
                    "layers",
                    "must be uniform, skip, last, final or pairs student:teacher such as [1:2, 2:4]", text)
            }
            self = .pairs(pairs.compactMap { $0 })
        }
    }

    /// The pairs for two models.
    ///
    /// - Throws: ``DistillationError`` where the models have too few layers.
    func pairs(
        studentLayers: Int, teacherLayers: Int, counting: Counting, objective: String
    ) throws -> [Pair] {
        if case .pairs(let pairs) = self {
            return try Self.resolved(
                pairs, studentLayers: studentLayers, teacherLayers: teacherLayers, counting: counting,
                objective: objective)
        }
        guard studentLayers <= teacherLayers || self == .final else {
            throw DistillationError(
                "\(objective): the student's \(studentLayers) layers cannot be spread over the teacher's "
                    + "\(teacherLayers); name pairs, such as layers = [\(counting == .layers ? "0:0" : "1:1")]"
            )
        }
        let depths: [(student: Int, teacher: Int)] =
            switch self {
            case .uniform, .pairs:
                (1...studentLayers).map { ($0, Self.depth($0, studentLayers, teacherLayers)) }
            case .skip: (1..<studentLayers).map { ($0, Self.depth($0, studentLayers, teacherLayers)) }
            case .last: (1..<studentLayers).map { ($0, teacherLayers - studentLayers + $0) }
            case .final: [(studentLayers, teacherLayers)]
            }
        guard !depths.isEmpty else {
            throw DistillationError(
                "\(objective): skip and last leave out the last layer, and the student has no other; use uniform"
            )
        }
        let first = counting == .layers ? 1 : 0
        return depths.map { Pair(student: $0.student - first, teacher: $0.teacher - first) }
    }

    private static func depth(_ layer: Int, _ student: Int, _ teacher: Int) -> Int {
        Int((Double(layer) * Double(teacher) / Double(student)).rounded())
    }

    private static func resolved(
        _ pairs: [Pair], studentLayers: Int, teacherLayers: Int, counting: Counting, objective: String
    ) throws -> [Pair] {
        func number(_ number: Int, _ layers: Int, _ side: String) throws -> Int {
            let count = counting == .layers ? layers : layers + 1
            let index = number < 0 ? number + count : number
            guard (0..<count).contains(index) else {
                throw DistillationError(
                    "\(objective): layers names \(counting.words) \(number) of the \(side), which has 0 to "
                        + "\(count - 1)")
            }
            return index
        }
        let resolved = try pairs.map {
            Pair(
                student: try number($0.student, studentLayers, "student"),
                teacher: try number($0.teacher, teacherLayers, "teacher"))
        }
        for (index, pair) in resolved.enumerated() where resolved[..<index].contains(pair) {
            throw DistillationError(
                "\(objective): layers names the pair \(pair.student):\(pair.teacher) twice; name it once")
        }
        return resolved
    }
}
