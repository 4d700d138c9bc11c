extension StudentOptions {
    /// The settings that shape and start a student of layers, by name, and whether each is given.
    var layeredSettings: [(String, Bool)] {
        [
            ("layers", layers != nil), ("hidden_size", hiddenSize != nil),
            ("intermediate_size", intermediateSize != nil), ("attention_heads", attentionHeads != nil),
            ("key_value_heads", keyValueHeads != nil),
            ("init", statedInitialization != nil), ("teacher_layers", teacherLayers != nil),
        ]
    }

    /// Refuses sizes and a start for a student whose directory has both.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireSizesOfOwn() throws {
        guard let directory else { return }
        guard let name = layeredSettings.first(where: \.1)?.0 else { return }
        throw DistillationError(
            "\(name) makes a student from the teacher, but student names one that has its sizes and weights already "
                + "(\(directory.path)); leave one of both out")
    }
}
