extension ParameterAxis {
    /// Returns true if a matrix is scaled for the inputs it no longer reads: its columns are of the residual
    /// stream or the pooler.
    ///
    /// Embedding tables have such columns too, but write them.
    static func isScaled(_ axes: [ParameterAxis]) -> Bool {
        axes != [.rows, .hidden] && (axes.last == .hidden || axes.last == .pooled)
    }

    /// Returns the axis of each dimension of a teacher's parameter.
    static func axes(
        of origin: TeacherLayerMap.Origin, _ layout: ParameterLayout, _ layer: PostNormLayerNames,
        _ head: HeadNames
    ) throws -> [ParameterAxis] {
        let axes =
            origin.place.map { layer.axes(layer: $0.layer)[$0.name] } ?? layout.axes(head)[origin.name]
        guard let axes, axes.count == origin.tensor.rank else {
            throw TransformersError(
                "--init narrowed-teacher does not know what the teacher's '\(origin.name)' "
                    + "\(origin.tensor.shape) is; use --init random")
        }
        return axes
    }
}
