import Torch

/// A student's parameters from its teacher: embeddings, pooler and head as they are, and a choice of layers
/// (Sanh et al., "DistilBERT", arXiv 1910.01108, section 3).
public struct TeacherLayerSource: ParameterSource {
    private let map: TeacherLayerMap
    private let copies: Bool

    /// - Parameters:
    ///   - teacher: The model that the parameters are taken from.
    ///   - layers: For each layer of the student, the teacher's layer that initializes it, counted from 0.
    ///   - copies: False to share the teacher's memory, for a model that is not trained.
    /// - Throws: ``TransformersError`` where the teacher has no such layer.
    public init(teacher: TransformerModel, layers: [Int], copies: Bool = true) throws {
        self.copies = copies
        map = try TeacherLayerMap(teacher: teacher, layers: layers)
    }

    /// - Throws: ``TransformersError`` where the teacher's parameter has another shape.
    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        let origin = try map.origin(of: name)
        guard origin.tensor.shape == shape else {
            throw TransformersError(
                "'\(name)' has the shape \(shape) in the student, '\(origin.name)' \(origin.tensor.shape) in "
                    + "the teacher; --init teacher-layers needs the teacher's sizes, use "
                    + "--init narrowed-teacher for smaller ones, or --init random")
        }
        let own = try origin.tensor.detached()
        return try (copies ? own.clone() : own).to(.float32, device)
    }
}
