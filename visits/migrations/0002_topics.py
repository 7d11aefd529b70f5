"""Topics to explain at the door, to begin with; administrators edit them."""

from django.db import migrations

TOPICS = [
    ("家乡变化与新成就", "一年来本区在修路、水利、学校、卫生院和村庄环境上办成的实事；请群众说说感受。"),
    ("反电信网络诈骗", "不轻信、不透露、不转账；公检法不会电话要求转账；遇事拨打96110或110，可请干部帮装国家反诈中心应用。"),
    ("惠民政策与办事渠道", "低保、医疗救助、养老、残疾补贴等怎么申请、到哪里办；村（社区）可以代办。"),
    ("矛盾调解与法律援助", "邻里、家庭、山林土地纠纷先找村（社区）调委会；法律咨询拨打12348，免费。"),
    ("消防与用电安全", "电动车不进屋充电、线路老化及时换、灶边不离人；火警119。"),
    ("扫黑除恶与举报渠道", "遇到强买强卖、敲诈勒索、欺行霸市可以举报；举报受保护，紧急情况拨打110。"),
]


def create(apps, schema_editor):
    Topic = apps.get_model("visits", "Topic")
    for order, (name, leaflet) in enumerate(TOPICS, 1):
        Topic.objects.get_or_create(name=name, defaults={"leaflet": leaflet, "sort_order": order})


class Migration(migrations.Migration):
    dependencies = [("visits", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
