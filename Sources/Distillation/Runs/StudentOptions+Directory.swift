extension StudentOptions {
    /// Refuses sizes and a start for a student whose directory has both.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireSizesOfOwn() throws {
        guard let directory else { return }
        let made: [(String, Bool)] = [
            ("layers", layers != nil), ("hidden_size", hiddenSize != nil),
            ("intermediate_size", intermediateSize != nil), ("attention_heads", attentionHeads != nil),
            ("key_value_heads", keyValueHeads != nil),
            ("init", statedInitialization != nil), ("teacher_layers", teacherLayers != nil),
        ]
        guard let name = made.first(where: \.1)?.0 else { return }
        throw DistillationError(
            "\(name) makes a student from the teacher, but student names one that has its sizes and weights already "
                + "(\(directory.path)); leave one of both out")
    }
}
