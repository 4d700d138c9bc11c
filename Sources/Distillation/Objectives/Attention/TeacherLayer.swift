import Transformers

/// The one layer that a student's last layer learns from.
enum TeacherLayer {
    static let option = ObjectiveOption(
        "teacher_layer", default: "-1", "the teacher's layer, from 0; negative from the end")

    static func number(_ options: ObjectiveOptions) throws -> Int {
        try options.integer("teacher_layer", "") { _ in true }
    }

    /// The layer from 0.
    ///
    /// - Throws: ``DistillationError`` where the teacher has none of this number.
    static func resolved(_ number: Int, _ teacher: ModelConfiguration, objective: String) throws -> Int {
        let count = teacher.numHiddenLayers
        let layer = number < 0 ? number + count : number
        guard (0..<count).contains(layer) else {
            throw DistillationError(
                "\(objective): the teacher has no layer \(number); teacher_layer must be from 0 to \(count - 1), or "
                    + "negative from the end")
        }
        return layer
    }
}
