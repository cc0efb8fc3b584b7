use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::source::Input;

#[derive(Default)]
struct Heap {
    resources: Vec<(Value, u64)>,
    gaps: Vec<Gap>,
    notes: Vec<String>,
}

impl Sink for Heap {
    fn batch(&mut self, batch: Batch) {
        for item in batch.items {
            self.resources.push((serde_json::from_str(&batch.text[item.span]).unwrap(), item.line));
        }
    }
    fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }
    fn input(&mut self, _: Input) {}
    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

fn heap(template: &Value) -> Heap {
    let mut heap = Heap::default();
    let count = read(&template.to_string(), 0, "t.json", 1, &mut heap);
    assert_eq!(count, heap.resources.len() as u64);
    heap
}

/// Resources of a template that tells all.
fn whole(template: Value) -> Vec<Value> {
    let heap = heap(&template);
    assert_eq!(heap.gaps, [], "{template}");
    heap.resources.into_iter().map(|(it, _)| it).collect()
}

/// What an expression yields, with these parameters and variables.
fn evaluated(expression: &str) -> Value {
    let template = json!({
        "parameters": {
            "name": {"type": "string", "defaultValue": "hub"},
            "both": {"type": "string", "defaultValue": "[concat(parameters('name'), '-', variables('n'))]"},
            "open": {"type": "string"},
            "self": {"type": "string", "defaultValue": "[parameters('self')]"},
            "object": {"type": "object", "defaultValue": {"list": [{"x": 1}, {"x": 2}], "open": "[parameters('open')]"}}
        },
        "variables": {
            "n": 7,
            "copy": [{"name": "each", "count": 3, "input": "[copyIndex('each', 1)]"}],
            "a": "[variables('b')]",
            "b": "[variables('a')]"
        },
        "resources": [{"type": "A.B/c", "name": "it", "properties": {"it": expression}}]
    });
    whole(template).remove(0)["properties"]["it"].take()
}

fn is_unknown(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.len() == 1 && it.keys().all(|key| key.starts_with(UNKNOWN)))
}

const RG: &str = "/subscriptions/-/resourceGroups/-";

#[test]
fn expressions_see_parameters_variables_and_the_place() {
    for (expression, result) in [
        ("[parameters('both')]", json!("hub-7")),
        ("[PARAMETERS('Name')]", json!("hub")),
        ("[parameters('object').list[1].x]", json!(2)),
        ("[parameters('object')['LIST'][0]]", json!({"x": 1})),
        ("[parameters('object').?none]", Value::Null),
        ("[variables('each')]", json!([1, 2, 3])),
        ("[[literal]", json!("[literal]")),
        ("plain", json!("plain")),
        ("['it''s']", json!("it's")),
        ("[if(equals(variables('n'), 7), 'yes', parameters('open'))]", json!("yes")),
        ("[and(false(), parameters('open'))]", json!(false)),
        ("[or(true(), parameters('open'))]", json!(true)),
        ("[coalesce(null(), 'x', parameters('open'))]", json!("x")),
        ("[subscription().subscriptionId]", json!("-")),
        ("[resourceGroup().name]", json!("-")),
        ("[resourceId('A.B/c/d', 'x', 'y')]", json!(format!("{RG}/providers/A.B/c/x/d/y"))),
        ("[resourceId('rg', 'A.B/c', 'x')]", json!("/subscriptions/-/resourceGroups/rg/providers/A.B/c/x")),
        ("[resourceId('s', 'rg', 'A.B/c', 'x')]", json!("/subscriptions/s/resourceGroups/rg/providers/A.B/c/x")),
        ("[subscriptionResourceId('A.B/c', 'x')]", json!("/subscriptions/-/providers/A.B/c/x")),
        ("[subscriptionResourceId('s', 'A.B/c', 'x')]", json!("/subscriptions/s/providers/A.B/c/x")),
        ("[extensionResourceId('/r', 'A.B/c', 'x')]", json!("/r/providers/A.B/c/x")),
    ] {
        assert_eq!(evaluated(expression), result, "{expression}");
    }
}

#[test]
fn what_only_azure_knows_is_unknown_and_nothing_else() {
    for expression in [
        "[parameters('open')]",
        "[parameters('none')]",
        "[parameters('self')]",
        "[variables('a')]",
        "[parameters('object').open]",
        "[parameters('object').list[2]]",
        "[if(parameters('open'), 1, 2)]",
        "[and(true(), parameters('open'))]",
        "[or(false(), parameters('open'))]",
        "[coalesce(null(), parameters('open'), 'x')]",
        "[reference('x').y]",
        "[uniqueString(resourceGroup().id)]",
        "[guid('x')]",
        "[environment().name]",
        "[deployment().name]",
        "[subscription().tenantId]",
        "[ns.own('x')]",
        "[concat('a', parameters('open'))]",
        "[not closed(]",
        "[resourceId('A.B/c', 'x', 'y')]",
        "[copyIndex()]",
    ] {
        assert!(is_unknown(&evaluated(expression)), "{expression}: {}", evaluated(expression));
    }
}

#[test]
fn a_name_that_is_not_told_is_the_same_wherever_it_stands() {
    let found = whole(json!({
        "parameters": {"vm": {"type": "string"}},
        "variables": {"nic": "[concat(parameters('vm'), '-nic')]"},
        "resources": [
            {"type": "Microsoft.Network/networkInterfaces", "name": "[variables('nic')]", "location": "[resourceGroup().location]"},
            {"type": "Microsoft.Compute/virtualMachines", "name": "[parameters('vm')]", "properties": {"networkProfile": {
                "networkInterfaces": [{"id": "[resourceId('Microsoft.Network/networkInterfaces', format('{0}-nic', parameters('vm')))]"}]}}}
        ]
    }));
    assert_eq!(found[1]["properties"]["networkProfile"]["networkInterfaces"][0]["id"], found[0]["id"]);
    assert_eq!(found[0]["name"], "{parameters('vm')}-nic");
    assert_eq!(found[0].get("location"), None);
}

#[test]
fn names_that_are_not_told_differ_where_their_expressions_do() {
    let expressions = [
        "[parameters('o').a]",
        "[parameters('o').b]",
        "[parameters('o')[0]]",
        "[if(parameters('o'), 'a', 'b')]",
        "[if(parameters('o'), 'c', 'd')]",
        "[if(equals(parameters('o'), 1), 'c', 'd')]",
        "[coalesce(parameters('o'), 'a')]",
        "[coalesce(parameters('o'), 'b')]",
        "[take(parameters('o'), 1)]",
        "[take(parameters('o'), 2)]",
        "[uniqueString('a')]",
        "[uniqueString('b')]",
    ];
    let one = |name: &&str| json!({"type": "A.B/c", "name": name});
    let found = whole(
        json!({"parameters": {"o": {"type": "object"}}, "resources": expressions.iter().map(one).collect::<Vec<_>>()}),
    );
    let ids: std::collections::BTreeSet<&str> = found.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), expressions.len(), "{ids:?}");
}

#[test]
fn loops_conditions_and_references_make_what_is_deployed() {
    let found = whole(json!({
        "languageVersion": "2.0",
        "resources": {
            "twice": {"type": "A.B/c", "name": "[format('x{0}', copyIndex())]", "copy": {"name": "twice", "count": 2},
                "properties": {"copy": [{"name": "list", "count": 2, "input": "[add(copyIndex('list'), mul(copyIndex(), 10))]"}]}},
            "never": {"condition": false, "type": "A.B/c", "name": "y"},
            "there": {"existing": true, "type": "A.B/c", "name": "z"}
        }
    }));
    let names: Vec<&Value> = found.iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["x0", "x1"]);
    assert_eq!(found[1]["properties"], json!({"list": [0, 11]}));
}

#[test]
fn nested_deployments_see_the_scope_that_they_name() {
    let template = |scope: &str| {
        json!({
            "parameters": {"p": {"defaultValue": "outer"}},
            "resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "resourceGroup": "other", "properties": {
                "expressionEvaluationOptions": {"scope": scope},
                "parameters": {"p": {"value": "[concat(parameters('p'), '-given')]"}},
                "template": {
                    "parameters": {"p": {"type": "string"}},
                    "resources": [{"type": "A.B/c", "name": "[parameters('p')]"}]
                }}}]
        })
    };
    let id = |template| whole(template)[0]["id"].clone();
    assert_eq!(id(template("inner")), "/subscriptions/-/resourceGroups/other/providers/A.B/c/outer-given");
    assert_eq!(id(template("outer")), "/subscriptions/-/resourceGroups/other/providers/A.B/c/outer");
}

#[test]
fn a_template_that_is_linked_to_is_a_gap() {
    let heap = heap(&json!({"resources": [{"type": "Microsoft.Resources/deployments", "name": "d",
        "properties": {"templateLink": {"uri": "https://x"}}}]}));
    assert_eq!(heap.gaps.len(), 1);
    assert!(heap.gaps[0].detail.contains("links to a template"), "{:?}", heap.gaps);
}

fn rules(nsg: &Value) -> Vec<&str> {
    nsg["properties"]["securityRules"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

const NSG: &str = "Microsoft.Network/networkSecurityGroups";

#[test]
fn children_count_once_wherever_they_stand() {
    let rule = |name: &str| json!({"name": name, "properties": {"priority": 100}});
    let alone =
        |name: &str| json!({"type": format!("{NSG}/securityRules"), "name": name, "properties": {"priority": 100}});
    let found = heap(&json!({"resources": [
        {"type": NSG, "name": "n", "properties": {"securityRules": [rule("a")]},
            "resources": [{"type": "securityRules", "name": "b", "properties": {"priority": 100}}]},
        alone("n/A"),
        alone("[concat('n', '/c')]"),
        alone("elsewhere/d")
    ]}));
    assert_eq!(found.resources.len(), 2);
    assert_eq!(rules(&found.resources[0].0), ["a", "b", "c"]);
    assert_eq!(found.resources[1].0["id"], format!("{RG}/providers/{NSG}/elsewhere/securityRules/d"));
    assert_eq!((found.gaps, found.notes), (vec![], vec![]));
}

#[test]
fn a_rule_that_may_be_there_makes_its_group_unknown() {
    let template = |condition: Value| {
        json!({"parameters": {"open": {"type": "bool"}}, "resources": [
            {"type": NSG, "name": "n", "properties": {"securityRules": []}},
            {"condition": condition, "type": format!("{NSG}/securityRules"), "name": "n/a", "properties": {"priority": 1}}
        ]})
    };
    let sure = whole(template(json!(true)));
    assert_eq!(rules(&sure[0]), ["a"]);
    let unsure = heap(&template(json!("[parameters('open')]")));
    assert!(is_unknown(&unsure.resources[0].0["properties"]));
    assert_eq!(unsure.gaps.len(), 1);
    assert_eq!(unsure.gaps[0].what, "microsoft.network/networksecuritygroups/securityrules");
}

#[test]
fn a_peering_that_may_be_there_makes_its_network_unknown_and_a_subnet_only_itself() {
    let network = "Microsoft.Network/virtualNetworks";
    let subnets = json!([{"name": "a", "properties": {"addressPrefix": "[parameters('open')]"}}, {"name": "b", "properties": {}}]);
    let of = |child: &str| {
        let resource = json!({"type": network, "name": "n", "properties": {"subnets": subnets}});
        let child = json!({"type": format!("{network}/{child}"), "name": "n/x", "condition": "[parameters('open')]"});
        heap(&json!({"parameters": {"open": {"type": "string"}}, "resources": [resource, child]}))
    };
    let subnet = of("subnets");
    assert_eq!(subnet.resources.len(), 2);
    assert_eq!(subnet.resources[0].0["properties"]["subnets"][0]["name"], "b");
    assert_eq!(subnet.resources[1].0["id"], format!("{RG}/providers/{network}/n/subnets/a"));
    assert!(is_unknown(&of("virtualNetworkPeerings").resources[0].0["properties"]));
}

#[test]
fn a_loop_whose_count_is_unknown_or_too_large_is_a_gap() {
    for count in [json!("[parameters('open')]"), json!(801), json!(-1)] {
        let heap = heap(&json!({"resources": [{"type": "A.B/c", "name": "x", "copy": {"name": "l", "count": count}}]}));
        assert_eq!((heap.resources.len(), heap.gaps.len()), (0, 1), "{count}");
    }
}

#[test]
fn references_lead_to_the_resource_of_that_type_and_name() {
    let found = whole(json!({
        "parameters": {"external": {"defaultValue": "subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub"}},
        "resources": [
            {"type": "Microsoft.Network/virtualNetworks", "name": "hub"},
            {"type": "A.B/c", "name": "x", "properties": {
                "hub": {"id": "[concat(parameters('external'), '/subnets/GatewaySubnet')]"},
                "other": {"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/other"}}}
        ]
    }));
    let hub = format!("{RG}/providers/Microsoft.Network/virtualNetworks/hub/subnets/GatewaySubnet");
    assert_eq!(found[1]["properties"]["hub"]["id"], hub);
    assert_eq!(found[1]["properties"]["other"]["id"].as_str().unwrap().split('/').nth(2), Some("s"));
}

#[test]
fn an_item_has_the_line_on_which_its_declaration_starts() {
    let text = "{\n\"contentVersion\": \"1\",\n\"resources\": [\n{\"type\": \"A.B/c\", \"name\": \"x\"},\n\n{\"type\": \"A.B/c\", \"name\": \"a/b\"}]}";
    let mut heap = Heap::default();
    assert_eq!(read(text, 0, "t.json", 10, &mut heap), 1);
    assert_eq!(heap.resources[0].1, 13);
    assert_eq!(heap.gaps[0].detail, "line 15: `a/b` is no name of a `A.B/c`: one segment belongs to each of its types");
    let named = "{\"languageVersion\": \"2.0\",\n\"resources\": {\"one\":\n{\"type\": \"A.B/c\", \"name\": \"x\"}}}";
    let mut heap = Heap::default();
    read(named, 0, "t.json", 1, &mut heap);
    assert_eq!(heap.resources[0].1, 3);
}

#[test]
fn growth_is_bounded() {
    let mut variables = serde_json::Map::new();
    variables.insert("v0".into(), json!("[createArray('aaaaaaaaaaaaaaaa', 'b')]"));
    for i in 1..60 {
        variables.insert(format!("v{i}"), json!(format!("[createArray(variables('v{0}'), variables('v{0}'))]", i - 1)));
    }
    let one = json!({"type": "A.B/c", "name": "x", "properties": {"it": "[variables('v59')]"}});
    let found = heap(&json!({"variables": variables, "resources": [one]}));
    assert!(found.gaps.iter().any(|it| it.detail.contains("grows too large")), "{:?}", found.gaps);

    let list = json!([{"name": "x", "count": 800, "input": {"copy": [{"name": "y", "count": 800, "input": {
        "copy": [{"name": "z", "count": 800, "input": 1}]}}]}}]);
    let found = heap(&json!({"resources": [{"type": "A.B/c", "name": "x", "properties": {"copy": list}}]}));
    assert!(found.gaps.iter().any(|it| it.detail.contains("grows too large")), "{:?}", found.gaps);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_makes_it_panic(expression in "\\[(concat|format|resourceId|if|and|copyIndex|parameters|split|substring)\\(('[a-z/{}0-9]{0,6}'|[0-9]{1,3}|parameters\\('(open|object|self)'\\))?(,('[a-z/{}0-9]{0,6}'|[0-9]{1,3}))?\\)(\\.list|\\[[0-9]\\]){0,2}\\]") {
        evaluated(&expression);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        read(&text, 0, "t.json", 1, &mut Heap::default());
        evaluated(&text);
        evaluated(&format!("[{text}]"));
    }
}
