import Torch

extension ProjectionFit {
    /// Fits the embeddings to the teacher's, in the basis, and begins the student's hidden states with them.
    func fitEmbeddings() throws {
        let (own, theirs) = (try student.encoder.parts.embeddings, try teacher.encoder.parts.embeddings)
        if case .afterNorm(let linear)? = own.projection {
            try copyTables(own, theirs) { $0 }
            try own.norm.weight.copy(from: theirs.norm.weight)
            try own.norm.bias.copy(from: theirs.norm.bias)
            try fitProjection(linear, theirs.projection)
            for index in passages.indices {
                passages[index].student = try passages[index].packed(own(batch(passages[index].input), nil))
            }
            return
        }
        var original: Linear?
        if case .afterNorm(let linear)? = theirs.projection { original = linear }
        try copyTables(own, theirs) { table in
            try basis(original.map { try table.matmul($0.weight.transposed()) } ?? table)
        }
        for index in passages.indices {
            passages[index].student = try passages[index].packed(own.sum(batch(passages[index].input)))
        }
        try fit(own.norm) { try basis($0.packed($0.teacher[0])) }
    }

    private func copyTables(
        _ own: EncoderEmbeddings, _ theirs: EncoderEmbeddings, _ map: (Tensor) throws -> Tensor
    ) throws {
        for case (let table?, let original?) in [
            (own.word, theirs.word), (own.position, theirs.position), (own.tokenType, theirs.tokenType),
        ] {
            try table.weight.copy(from: map(original.weight))
        }
    }

    /// Composes the projection of the student's embeddings of the teacher's, if it has one, and the basis. The tables keep their
    /// width.
    private func fitProjection(_ linear: Linear, _ projection: EncoderEmbeddings.Projection?) throws {
        var (weight, bias): (Tensor, Tensor?) = (try basis.matrix.transposed(), nil)
        if case .afterNorm(let original)? = projection {
            weight = try weight.matmul(original.weight)
            bias = try original.bias.map { try basis($0.unsqueezed(0)).squeezed(0) }
        }
        try linear.weight.copy(from: weight)
        if let bias { try linear.bias?.copy(from: bias) } else { try linear.bias?.fill(0) }
    }

    private func batch(_ input: PackedInput) throws -> ModelInput {
        try ModelInput(input, paddingID: student.configuration.padTokenId, device: student.device)
    }
}
