import Safetensors

/// Shapes, and constants.
extension MILBuilder {
    func transpose(_ x: GraphValue, _ order: [Int], in module: String) -> GraphValue {
        let found = kind(x)
        return operation(
            "transpose", ["x": .value(x), "perm": .ints(order)],
            Kind(dtype: found.dtype, shape: order.map { found.shape[$0] }), in: module)
    }

    func reshape(_ x: GraphValue, last sizes: [Int], in module: String) -> GraphValue {
        let found = kind(x)
        let middle = found.shape[1]
        return operation(
            "reshape", ["x": .value(x), "shape": .ints([1, middle ?? -1] + sizes)],
            Kind(dtype: found.dtype, shape: [1, middle] + sizes), in: module)
    }

    func slice(_ x: GraphValue, axis: Int, from start: Int, to end: Int, in module: String) -> GraphValue {
        var found = kind(x)
        found.shape[axis] = end - start
        let axes = found.shape.indices
        func only(_ number: Int) -> Argument { .ints(axes.map { $0 == axis ? number : 0 }) }
        let others = Argument.bools(axes.map { $0 != axis })
        return operation(
            "slice_by_index",
            [
                "x": .value(x), "begin": only(start), "end": only(end), "begin_mask": others,
                "end_mask": others,
            ],
            found, in: module)
    }

    func insert(axes: [Int], _ x: GraphValue, in module: String) -> GraphValue {
        var found = kind(x)
        for axis in axes.sorted() { found.shape.insert(1, at: axis) }
        return operation("expand_dims", ["x": .value(x), "axes": .ints(axes)], found, in: module)
    }

    func remove(axis: Int, _ x: GraphValue, in module: String) -> GraphValue {
        var found = kind(x)
        found.shape.remove(at: axis)
        return operation("squeeze", ["x": .value(x), "axes": .ints([axis])], found, in: module)
    }

    func joined(_ values: [GraphValue], in module: String) -> GraphValue {
        var found = values.first.map(kind) ?? Kind(dtype: float, shape: [])
        let sizes = values.compactMap { kind($0).shape.last ?? nil }
        found.shape = found.shape.dropLast() + [sizes.reduce(0, +)]
        return operation(
            "concat", ["values": .values(values), "axis": .int(-1), "interleave": .bool(false)], found,
            in: module)
    }

    func positions(of ids: GraphValue, in module: String) -> GraphValue {
        remove(axis: 0, counted(ids, in: module), in: module)
    }

    func elements(ofLastAxisOf x: GraphValue, at indices: GraphValue, in module: String) -> GraphValue {
        // Indices are not broadcast: they are repeated for each head.
        let key = "repeated \(indices.name)"
        var found = kind(indices)
        found.shape[1] = kind(x).shape[1]
        let heads = kind(x).shape[1] ?? 1
        let repeated =
            made[key]
            ?? operation(
                "tile", ["x": .value(indices), "reps": .ints([1, heads, 1, 1])], found, in: module)
        made[key] = repeated
        return operation(
            "gather_along_axis", ["x": .value(x), "indices": .value(repeated), "axis": .int(3)],
            found.with(kind(x).dtype), in: module)
    }

    func scalar(_ number: Float, _ name: String) -> GraphValue {
        let key = "scalar \(name)"
        let value = made[key] ?? constant(name, .float(number, float), Kind(dtype: float, shape: []))
        made[key] = value
        return value
    }

    func float32s(_ numbers: [Float], _ name: String) -> GraphValue {
        let data = TensorData.floats(numbers, [numbers.count])
        let value = MIL_Value.floats(numbers)
        return constant(name, value, Kind(data))
    }

    func tensor(_ data: (SafetensorsDType) throws -> TensorData, _ name: String) throws -> GraphValue {
        try constant(name, try data(tensorType))
    }

    func integer(_ number: Int) -> GraphValue {
        let key = "integer \(number)"
        let value =
            made[key]
            ?? constant("integer", .ints([number], shape: []), Kind(dtype: .int32, shape: []))
        made[key] = value
        return value
    }

    func integers(_ numbers: [Int], _ name: String) -> GraphValue {
        constant(
            name, .ints(numbers, shape: [numbers.count]), Kind(dtype: .int32, shape: [numbers.count]))
    }
}
