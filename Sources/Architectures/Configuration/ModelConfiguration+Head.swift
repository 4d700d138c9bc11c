extension ModelConfiguration {
    /// True if the file names a class with a head that is read.
    package var namesHead: Bool {
        reader.optional("architectures")?.arrayValue?.first?.stringValue.flatMap(HeadKind.init(architecture:))
            != nil
    }

    /// Refuses a class with a head that is not read, such as `BertForMultipleChoice`: its outputs would be taken for a classifier's
    /// wherever its weights happen to have a classifier's names. A file that names no class is judged by its weights alone.
    ///
    /// - Throws: ``ArchitectureError``, which names the class.
    package func requireKnownHead() throws {
        guard let name = reader.optional("architectures")?.arrayValue?.first?.stringValue,
            HeadKind(architecture: name) == nil
        else { return }
        guard embedding == nil else { return }
        let heads = HeadKind.allCases.filter { $0 != .embedding }
        let known = heads.filter { ($0 == .causalLanguageModel) == isDecoder }.map(
            family.className)
        throw reader.error(
            "\"architectures\" names \(name), which has no head that is read (known: \(known.joined(separator: ", "))); "
                + "fine-tune the model for a task with `distill finetune`, or name the class that its weights belong to"
        )
    }
}
