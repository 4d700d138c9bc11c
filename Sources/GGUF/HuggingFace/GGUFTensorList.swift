/// The tensors of a file as those of a Hugging Face checkpoint; it checks that they are all there and no others.
struct GGUFTensorList {
    let checkpoint: GGUFCheckpoint
    let family: GGUFFamily
    let sizes: GGUFSizes

    /// The tensors, in the order of the file.
    func tensors() throws -> [GGUFModelTensor] {
        var tensors: [GGUFModelTensor] = []
        for info in checkpoint.tensors where !isComputed(info.name) {
            let layer = GGUFTensorName.pattern(of: info.name).layer
            guard let entry = family.entry(ofFile: info.name),
                let name = family.checkpointName(of: info.name),
                (layer ?? 0) < sizes.layers
            else {
                throw GGUFError(
                    checkpoint.path, tensor: info.name,
                    "is no tensor of a model of architecture \(family.architecture) with \(sizes.layers) layers, and may "
                        + "change what it computes; use a model of the plain architecture")
            }
            try info.checkIsWeight(path: checkpoint.path)
            tensors.append(try tensor(info, name, entry))
        }
        try checkComplete()
        return tensors
    }

    /// Tensors that follow from the configuration.
    private func isComputed(_ name: String) -> Bool {
        family.architecture == "llama" && name.utf8.elementsEqual(GGUFModel.ropeFactorsName.utf8)
    }

    private func tensor(
        _ info: GGUFTensorInfo, _ name: String, _ entry: GGUFTensorName
    ) throws -> GGUFModelTensor {
        try checkShape(info, entry)
        var (shape, headSize) = (info.shape, 1)
        switch entry.conversion {
        case .none, .normPlusOne: break
        case .transposed:
            guard shape.count == 2 else { throw misshapen(info) }
            shape.reverse()
        case .rotary(let rotary):
            let rows = sizes.headSize * (rotary == .queries ? sizes.heads : sizes.keyHeads)
            guard (1...2).contains(shape.count), shape[0] == rows, sizes.headSize % 2 == 0 else {
                throw misshapen(info)
            }
            headSize = sizes.headSize
        }
        return GGUFModelTensor(
            name: name, shape: shape, info: info, conversion: entry.conversion, headSize: headSize,
            checkpoint: checkpoint)
    }

    private func misshapen(_ info: GGUFTensorInfo) -> GGUFError {
        GGUFError(
            checkpoint.path, tensor: info.name,
            "its shape \(info.shape) does not fit a model of \(sizes.heads) heads of \(sizes.headSize) elements"
        )
    }

    private func checkComplete() throws {
        for entry in family.tensors where !entry.isOptional {
            for layer in 0..<(entry.isPerLayer ? sizes.layers : 1) {
                let name = GGUFTensorName.name(entry.file, layer: layer)
                guard checkpoint.info(name) == nil else { continue }
                throw GGUFError(
                    checkpoint.path, tensor: name, "is missing; this is not a whole language model")
            }
        }
    }
}
