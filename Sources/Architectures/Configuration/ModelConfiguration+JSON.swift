import JSON

extension ModelConfiguration {
    /// Returns the configuration as it is saved: the original fields, updated with this value's.
    public func json() -> JSONObject {
        guard family.hasLayers else { return tableJSON() }
        var json = original
        let fields = family.fields
        json["architectures"] = [.string(family.className(headKind))]
        json["model_type"] = .string(modelType)
        json[fields.vocabSize.key] = .integer(vocabSize)
        json[fields.hiddenSize.key] = .integer(hiddenSize)
        json[fields.numHiddenLayers.key] = .integer(numHiddenLayers)
        json[fields.numAttentionHeads.key] = .integer(numAttentionHeads)
        json[fields.intermediateSize.key] = .integer(intermediateSize)
        json[fields.hiddenAct.key] = .string(hiddenAct.rawValue)
        if fields.hasHiddenDropout { json[fields.hiddenDropoutProb.key] = .number(hiddenDropoutProb) }
        json[fields.attentionProbsDropoutProb.key] = .number(attentionProbsDropoutProb)
        json[fields.maxPositionEmbeddings.key] = .integer(maxPositionEmbeddings)
        if let field = fields.typeVocabSize { json[field.key] = .integer(typeVocabSize) }
        if fields.hasLayerNormEps { json[fields.layerNormEps.key] = .number(layerNormEps) }
        json[fields.initializerRange.key] = .number(initializerRange)
        if headKind.hasLabels { writeLabels(to: &json) }
        // Of a model whose head was another's.
        if headKind == .embedding {
            for key in ["id2label", "label2id", "problem_type"] { json[key] = nil }
            removeActivation(from: &json)
        }
        if isDecoder { writeHeads(to: &json) }
        json["dtype"] = "float32"
        json["quantization_config"] = quantization?.json()
        // Redundant beside `id2label` and `dtype`.
        json["num_labels"] = nil
        json["torch_dtype"] = nil
        // It names the model that was read, not the present one.
        json["_name_or_path"] = nil
        // The hidden size may have changed.
        if json["embedding_size"] != nil || ownEmbeddingSize != nil {
            json["embedding_size"] = .integer(embeddingSize)
        }
        family.adjust(&json, self)
        return json
    }

    /// Writes the fields of a model whose outputs are classes.
    func writeLabels(to json: inout JSONObject) {
        let fields = family.fields
        json[fields.classifierDropout.key] = classifierDropout.map(JSONValue.number) ?? .null
        json[fields.padTokenId.key] = .integer(padTokenId)
        if headKind == .sequenceClassification {
            json["problem_type"] = .string(task.rawValue)
            writeActivation(to: &json)
        }
        json["id2label"] = .object(JSONObject(labelNames.enumerated().map { (String($0), .string($1)) }))
        json["label2id"] = .object(JSONObject(labelNames.enumerated().map { ($1, .integer($0)) }))
    }
}

extension ModelFamily {
    /// The name of a class of the family in transformers.
    func className(_ kind: HeadKind) -> String {
        modelType == ModelFamily.gpt2.modelType && kind == .causalLanguageModel
            ? "\(classPrefix)LMHeadModel" : classPrefix + kind.classSuffix
    }
}
