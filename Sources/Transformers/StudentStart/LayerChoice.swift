/// The named ways to choose a student's layers from its teacher's.
public enum LayerChoice: String, CaseIterable, Sendable, Codable {
    /// Evenly spaced, the last always among them: ``uniformLayers(teacher:student:)``.
    case uniform
    /// The lowest layers.
    case first
    /// The highest layers.
    case last
    /// Every other layer, from the lowest on: 0, 2, 4, …, as DistilBERT (Sanh et al., arXiv 1910.01108,
    /// section 3).
    case alternate
    /// Those that change the hidden states most, as ``BlockInfluence`` measures: the least are left out.
    case influence
    /// Those without which the outputs are the furthest from the model's own: the others are left out one after another, by trying.
    case lossDrop = "loss-drop"

    /// Returns the teacher's layers from which the student's are initialized.
    ///
    /// - Parameters:
    ///   - teacher: The number of the teacher's layers.
    ///   - student: The number of the student's.
    ///   - influence: The influence of each of the teacher's layers, for ``influence``.
    /// - Returns: As many as the student has, ascending.
    /// - Throws: ``TransformersError`` where the teacher has too few.
    public func layers(teacher: Int, student: Int, influence: [Double]? = nil) throws -> [Int] {
        guard teacher > 0, student > 0 else {
            throw TransformersError("a model has at least 1 layer, got \(teacher) and \(student)")
        }
        let most = self == .alternate ? teacher / 2 + teacher % 2 : teacher
        guard student <= most else {
            throw TransformersError(
                "the choice '\(rawValue)' takes at most \(most) of the teacher's \(teacher) layers, the student "
                    + "has \(student); choose fewer layers, or name the teacher's for each")
        }
        switch self {
        case .uniform: return uniformLayers(teacher: teacher, student: student)
        case .first: return Array(0..<student)
        case .last: return Array(teacher - student..<teacher)
        case .alternate: return (0..<student).map { 2 * $0 }
        case .lossDrop:
            throw TransformersError("the layers are tried on texts; name the teacher's layers")
        case .influence:
            guard let influence, influence.count == teacher else {
                throw TransformersError("the layers' influence was not measured; name the teacher's layers")
            }
            return Array((0..<teacher).sorted { (-influence[$0], $0) < (-influence[$1], $1) }.prefix(student))
                .sorted()
        }
    }
}

/// Returns evenly spaced layers of a teacher, the last always among them.
///
/// The student's layer m, counted from 0, takes the teacher's ⌈(m + 1) · N / M⌉ − 1: the uniform map of TinyBERT
/// (Jiao et al., arXiv 1909.10351, section 4.1). For 12 layers and 4, that is 2, 5, 8 and 11.
///
/// - Parameters:
///   - teacher: The number N of the teacher's layers.
///   - student: The number M of the student's. Where it is larger than N, layers repeat.
/// - Returns: M layers of the teacher, ascending; none where either number is not positive.
public func uniformLayers(teacher: Int, student: Int) -> [Int] {
    guard teacher > 0, student > 0 else { return [] }
    // ⌈k·N/M⌉ = k·⌊N/M⌋ + ⌈k·(N mod M)/M⌉, which cannot overflow for a huge N.
    let (whole, remainder) = teacher.quotientAndRemainder(dividingBy: student)
    return (1...student).map { $0 * whole + ($0 * remainder + student - 1) / student - 1 }
}
