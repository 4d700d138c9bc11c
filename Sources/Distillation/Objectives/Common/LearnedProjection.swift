import Torch
import Transformers

/// The condition for a learned projection of a student's vectors before they are compared with a teacher's.
enum LearnedProjection: String, CaseIterable {
    /// A projection where the widths differ.
    case auto
    case always
    /// Never: the widths must be equal.
    case none

    static let option = ObjectiveOption(
        "projection", default: "auto",
        "a learned matrix before comparing: auto (where widths differ), always or none")

    /// Returns true if vectors of these widths are projected.
    ///
    /// - Throws: ``DistillationError`` where they would have to, but must not.
    func isNeeded(student: Int, teacher: Int, objective: String) throws -> Bool {
        switch self {
        case .always: return true
        case .auto: return student != teacher
        case .none:
            guard student == teacher else {
                throw DistillationError(
                    "\(objective): the student's width \(student) is not the teacher's \(teacher), and projection = "
                        + "none; set projection = auto")
            }
            return false
        }
    }
}

extension ParameterScope {
    /// The child of this name, or of this name and a number where another objective has taken it.
    func unused(_ name: String) -> ParameterScope {
        func isTaken(_ scope: ParameterScope) -> Bool {
            initialisedNames.contains { $0.hasPrefix(scope.path + ".") }
        }
        var scope = self[name]
        var number = 2
        while isTaken(scope) {
            scope = self["\(name)_\(number)"]
            number += 1
        }
        return scope
    }
}
