import Torch

/// The map from a student's parameters to the teacher's that initialize them: the same name, in the layer
/// that was chosen for it.
struct TeacherLayerMap {
    let teacher: ParameterStore
    /// The teacher's layer for each layer of the student.
    let layers: [Int]
    /// The prefix of the names of a layer's parameters.
    private let prefix: String?

    /// - Throws: ``TransformersError`` where the teacher has no such layer.
    init(teacher: TransformerModel, layers: [Int]) throws {
        let count = teacher.configuration.numHiddenLayers
        if let wrong = layers.first(where: { !(0..<count).contains($0) }) {
            throw TransformersError(
                "the teacher has no layer \(wrong); choose from its layers 0 to \(count - 1)")
        }
        self.teacher = teacher.parameters
        self.layers = layers
        prefix = teacher.configuration.family.layout.layers.ownPrefix
    }

    /// A parameter of the teacher.
    struct Origin {
        let name: String
        let tensor: Tensor
        /// The teacher's layer that contains it, and its name there: `output.dense.weight`.
        let place: (layer: Int, name: String)?
    }

    /// Returns the teacher's parameter for the student's of this name.
    func origin(of name: String) throws -> Origin {
        let place = try place(of: name)
        let teacherName = place.map { self.name($0.name, inLayer: $0.layer) } ?? name
        return Origin(name: teacherName, tensor: try tensor(teacherName, for: name), place: place)
    }

    /// Returns the teacher's parameter of this name in one of its layers.
    func tensor(_ name: String, inLayer layer: Int) throws -> Tensor {
        let full = self.name(name, inLayer: layer)
        return try tensor(full, for: full)
    }

    /// Returns the teacher's parameter of this full name.
    func tensor(_ name: String) throws -> Tensor { try tensor(name, for: name) }

    /// Returns the teacher's parameter of this full name, for one of the student's.
    func tensor(_ teacherName: String, for name: String) throws -> Tensor {
        guard let tensor = teacher[teacherName] else {
            throw TransformersError(
                "the teacher has no parameter '\(teacherName)' for the student's '\(name)'; use --init random"
            )
        }
        return tensor
    }

    private func name(_ name: String, inLayer layer: Int) -> String { "\(prefix ?? "")\(layer).\(name)" }

    private func place(of name: String) throws -> (layer: Int, name: String)? {
        guard let prefix, name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
            layers.indices.contains(layer)
        else {
            throw TransformersError(
                "no teacher layer is chosen for the student's '\(name)'; choose one for each of its layers, "
                    + "not \(layers.count)")
        }
        return (layers[layer], String(rest[rest.index(after: dot)...]))
    }
}
