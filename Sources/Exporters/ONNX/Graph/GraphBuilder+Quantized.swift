extension GraphBuilder {
    /// Adds a linear layer whose weights are int8. The graph's floating-point type is float32.
    ///
    /// - Parameters:
    ///   - x: (…, in)
    ///   - module: The layer's name.
    ///   - layer: The layer's tensors.
    /// - Returns: (…, out)
    func linear(_ x: Value, _ module: String, _ layer: QuantizedLinear) -> Value {
        let columns = layer.weight.shape[1]
        let weight = constant(module + ".weight", layer.weight)
        let scale = constant(module + ".weight_scale", layer.weightScale)
        let zeroPoint = constant(
            "weight_zero_point/\(columns)",
            .uint8([UInt8](repeating: QuantizedLinear.weightZeroPoint, count: columns), [columns]))

        var product: Value
        switch layer.activations {
        case .perToken:
            // ONNX Runtime fuses MatMulInteger, Cast and a product of scales as if the input's scale were a
            // single number. Two consecutive multiplications prevent that.
            let (input, scales, middle) = perToken(x, module)
            let sums = node("MatMulInteger", [input, weight, middle, zeroPoint], in: module)
            let numbers = node("Cast", [sums], in: module, ["to": .dtype(.float32)])
            product = node("Mul", [node("Mul", [numbers, scales], in: module), scale], in: module)
        case .perTensor:
            let input = perTensor(x, module)
            let sums = node("MatMulInteger", [input[0], weight, input[2], zeroPoint], in: module)
            let numbers = node("Cast", [sums], in: module, ["to": .dtype(.float32)])
            product = node("Mul", [numbers, node("Mul", [input[1], scale], in: module)], in: module)
        case .fixed(let inputScale, let inputZeroPoint):
            let input = fixed(x, module, inputScale, inputZeroPoint)
            product = node("MatMul", [input, floats(of: weight, scale, zeroPoint, module)], in: module)
        }
        if let bias = layer.bias {
            product = node("Add", [product, constant(module + ".bias", bias)], in: module)
        }
        return product
    }

    private func floats(
        of weight: Value, _ scale: Value, _ zeroPoint: Value, _ module: String
    ) -> Value {
        node("DequantizeLinear", [weight, scale, zeroPoint], in: module, ["axis": .int(1)])
    }

    /// Quantizes each row by its own largest absolute value: q = round(x / s) + 128 with s = max|x| / 127.
    ///
    /// There is no operator for it, so it is composed of others; ties are rounded to even, as in PyTorch.
    ///
    /// - Returns: q (…, in) uint8; s (…, 1) float32; 128.
    private func perToken(_ x: Value, _ module: String) -> (Value, Value, Value) {
        let middle = constant("activation_zero_point", .uint8([128], []))
        let key = QuantizedInput(value: x, scheme: "token")
        if let made = quantizedInputs[key] { return (made[0], made[1], middle) }
        let largest = node(
            "ReduceMax", [node("Abs", [x], in: module), integers([-1])], in: module, ["keepdims": .int(1)])
        let scale = node("Div", [largest, scalar(127, "float/127")], in: module)
        // Avoids division by zero for a row of zeros.
        let divisor = node("Max", [scale, scalar(.leastNormalMagnitude, "float/least")], in: module)
        let steps = node("Round", [node("Div", [x, divisor], in: module)], in: module)
        let shifted = node("Add", [steps, scalar(128, "float/128")], in: module)
        let quantized = node("Cast", [shifted], in: module, ["to": .dtype(.uint8)])
        quantizedInputs[key] = [quantized, divisor]
        return (quantized, divisor, middle)
    }

    /// Quantizes all rows by one scale and zero point, from their minimum and maximum.
    ///
    /// - Returns: q (…, in) uint8; scale; zero point.
    private func perTensor(_ x: Value, _ module: String) -> [Value] {
        let key = QuantizedInput(value: x, scheme: "tensor")
        if let made = quantizedInputs[key] { return made }
        let made = nodes("DynamicQuantizeLinear", [x], outputs: 3, in: module)
        quantizedInputs[key] = made
        return made
    }

    /// Quantizes by a calibrated scale and zero point, and dequantizes, which the runtime fuses into the
    /// multiplication.
    private func fixed(_ x: Value, _ module: String, _ scale: Float, _ zeroPoint: UInt8) -> Value {
        let key = QuantizedInput(value: x, scheme: "\(scale.bitPattern)/\(zeroPoint)")
        let scaleValue = scalar(scale, module + ".input_scale")
        let zeroPointValue = constant(module + ".input_zero_point", .uint8([zeroPoint], []))
        if quantizedInputs[key] == nil {
            quantizedInputs[key] = [node("QuantizeLinear", [x, scaleValue, zeroPointValue], in: module)]
        }
        let quantized = quantizedInputs[key] ?? []
        return node("DequantizeLinear", quantized + [scaleValue, zeroPointValue], in: module)
    }
}
