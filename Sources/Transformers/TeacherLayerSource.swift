import Torch

/// A student's parameters from its teacher: embeddings, pooler and head as they are, and a choice of layers
/// (Sanh et al., "DistilBERT", arXiv 1910.01108, section 3). Tensors are copied.
public struct TeacherLayerSource: ParameterSource {
    private let teacher: ParameterStore
    private let layers: [Int]
    private let prefix = "bert.encoder.layer."

    /// - Parameters:
    ///   - teacher: Where the parameters come from.
    ///   - layers: For each layer of the student, the teacher's layer it starts from, counted from 0.
    /// - Throws: ``TransformersError`` where the teacher has no such layer.
    public init(teacher: any SequenceClassifier, layers: [Int]) throws {
        let count = teacher.configuration.numHiddenLayers
        if let wrong = layers.first(where: { !(0..<count).contains($0) }) {
            throw TransformersError(
                "the teacher has no layer \(wrong); choose from its layers 0 to \(count - 1)")
        }
        self.teacher = teacher.parameters
        self.layers = layers
    }

    /// - Throws: ``TransformersError`` where the teacher's parameter has another shape.
    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        let teacherName = try self.teacherName(name)
        guard let tensor = teacher[teacherName] else {
            throw TransformersError(
                "the teacher has no parameter '\(teacherName)' for the student's '\(name)'; use --init random"
            )
        }
        guard tensor.shape == shape else {
            throw TransformersError(
                "'\(name)' has the shape \(shape) in the student, '\(teacherName)' \(tensor.shape) in the "
                    + "teacher; --init teacher-layers needs the teacher's sizes, use --init random")
        }
        return try tensor.detached().clone().to(.float32, device)
    }

    private func teacherName(_ name: String) throws -> String {
        guard name.hasPrefix(prefix) else { return name }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
            layers.indices.contains(layer)
        else {
            throw TransformersError(
                "no teacher layer is chosen for the student's '\(name)'; choose one for each of its layers, "
                    + "not \(layers.count)")
        }
        return prefix + String(layers[layer]) + rest[dot...]
    }
}

/// Evenly spaced layers of a teacher, the last always among them.
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
