import Transformers

/// The teacher's layers from which the student's are initialized: by a rule, or one for each.
public enum TeacherLayers: Sendable, Equatable, ExpressibleByArrayLiteral {
    case choice(LayerChoice)
    /// For each layer of the student, the index of the teacher's, from 0.
    case numbers([Int])

    public init(arrayLiteral numbers: Int...) { self = .numbers(numbers) }

    /// Reads a rule's name, or numbers with commas between them: `alternate`, `0,2,4`.
    ///
    /// - Parameter text: The rule or the list; `nil` is returned for anything else.
    public init?(_ text: String) {
        if let choice = LayerChoice(rawValue: text.trimmed) {
            self = .choice(choice)
            return
        }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int(String($0).trimmed) }
        guard numbers.count == parts.count else { return nil }
        self = .numbers(numbers)
    }

    /// True if the choice is by what is measured on training texts.
    var isMeasured: Bool { self == .choice(.influence) || self == .choice(.lossDrop) }

    /// Returns the indices of the teacher's layers, one for each of the student's.
    ///
    /// - Parameters:
    ///   - teacher: The number of the teacher's layers.
    ///   - student: The number of the student's.
    /// - Throws: ``DistillationError`` where they do not fit.
    func layers(teacher: Int, student: Int) throws -> [Int] {
        switch self {
        case .choice(let choice):
            do { return try choice.layers(teacher: teacher, student: student) } catch let error
                as TransformersError
            {
                throw DistillationError("--teacher-layers: \(error)")
            }
        case .numbers(let layers):
            guard layers.count == student else {
                throw DistillationError(
                    "--teacher-layers names \(layers.count) layers, the student has \(student); "
                        + "name one for each")
            }
            if let wrong = layers.first(where: { !(0..<teacher).contains($0) }) {
                throw DistillationError(
                    "the teacher has layers 0 to \(teacher - 1); --teacher-layers names \(wrong)")
            }
            return layers
        }
    }
}

extension TeacherLayers: Codable {
    /// Reads a rule's name or a list of numbers.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let numbers = try? container.decode([Int].self) {
            self = .numbers(numbers)
        } else {
            self = .choice(try container.decode(LayerChoice.self))
        }
    }

    /// Writes the form that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .choice(let choice): try container.encode(choice)
        case .numbers(let numbers): try container.encode(numbers)
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
