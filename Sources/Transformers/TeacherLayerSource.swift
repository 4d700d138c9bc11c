import Torch

/// A student's parameters from its teacher: embeddings, pooler and head as they are, and a choice of layers
/// (Sanh et al., "DistilBERT", arXiv 1910.01108, section 3).
public struct TeacherLayerSource: ParameterSource {
    private let teacher: ParameterStore
    private let layers: [Int]
    private let prefix = "bert.encoder.layer."

    /// - Parameter layers: For each layer of the student, the teacher's layer it starts from, counted from 0.
    /// - Throws: ``TransformersError`` where the teacher has no such layer.
    public init(teacher: any SequenceClassifier, layers: [Int]) throws {
        let count = teacher.configuration.numHiddenLayers
        if let wrong = layers.first(where: { !(0..<count).contains($0) }) {
            throw TransformersError("the teacher has layers 0 to \(count - 1); layer \(wrong) was asked for")
        }
        self.teacher = teacher.parameters
        self.layers = layers
    }

    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        let source = try teacherName(name)
        guard let tensor = teacher[source] else {
            throw TransformersError("the teacher has no parameter '\(source)' for the student's '\(name)'")
        }
        guard tensor.shape == shape else {
            throw TransformersError(
                "'\(name)' has shape \(shape) in the student, '\(source)' \(tensor.shape) in the teacher; "
                    + "--init teacher-layers needs the teacher's sizes, use --init random")
        }
        return try withNoGrad { try tensor.detached().clone().to(device) }
    }

    private func teacherName(_ name: String) throws -> String {
        guard name.hasPrefix(prefix) else { return name }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
            layers.indices.contains(layer)
        else { throw TransformersError("no teacher layer is chosen for '\(name)'") }
        return prefix + String(layers[layer]) + rest[dot...]
    }
}

/// Evenly spaced layers of a teacher, the last always among them: the student's layer m takes the teacher's
/// ⌈(m + 1) · N / M⌉ − 1, counted from 0 (the uniform map of TinyBERT, Jiao et al., arXiv 1909.10351, section 4).
///
/// - Parameters:
///   - teacher: The number N of the teacher's layers.
///   - student: The number M of the student's, at most N.
public func uniformLayers(teacher: Int, student: Int) -> [Int] {
    (1...max(1, student)).map { ($0 * teacher + student - 1) / max(1, student) - 1 }
}
