import Torch

/// A student's parameters from its teacher: embeddings, pooler and head as they are, and a choice of layers
/// (Sanh et al., "DistilBERT", arXiv 1910.01108, section 3). Tensors are copied.
public struct TeacherLayerSource: ParameterSource {
    private let map: TeacherLayerMap

    /// - Parameters:
    ///   - teacher: The model that the parameters are taken from.
    ///   - layers: For each layer of the student, the teacher's layer that initializes it, counted from 0.
    /// - Throws: ``TransformersError`` where the teacher has no such layer.
    public init(teacher: TransformerModel, layers: [Int]) throws {
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
        return try origin.tensor.detached().clone().to(.float32, device)
    }
}
