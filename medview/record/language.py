"""Which language a text is written in."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
# Traditional characters of medical notes and, in the same order, the simplified ones, which cues
# and word lists are written in.
_TRADITIONAL = (
    "無見認發現觸捫聞顯訴檢並慮陰陽確異變難為應經術後舊陳過與險風預別親媽爺於斷診轉療遺傳從沒覺"
    "們雙單張態對來進員節約傾餘還給藥規則這時盡兒歲質個壓結葉積腫瘍癥殘縱動靜脈腦頭頸頜齒臟膽腎"
    "腸關顱韌帶膿潰細鈣鈉鉀紅體膠濃氣熱惡暈嘔瀉驚煙飲黴靈達嗎羅維鹽絡宮頻數勻圓橢邊緣銳淺滲實區"
    "條狀點塊殼團縮擴闊狹寬長徑釐側層橫貧濕類損傷創複導電掃顆絲鏡劑減輕嚴遠幾週內響壞鬱滯補產嬰"
    "齡婦許選擇護測試驗連續顏淚舉飽榮環樣門會"
    "菸較總復僅擬獲竇贅癤孿瞼髖徵鬆齦裏裡臨懸雜軀遲緒徹級組織鏈癒痠痺癱瘡瘧痙攣癇癲輸塵佈併隻嚥鹼尋皰腳膚脹臉臍膕脛髕顎顳頂額"
    "顴鎖軟軸輻閉開隱離項題馬筆紀錄參聽視覽閱證據屬價勞務備儘優償劃勁勢協廣庫彈彎憂憶懼戰擊擋擔擺攝攜敗斂暫曆樞標橋歷毀沖況渦"
    "濁灣燒燙爛爾醣"
    "詳說話訊評該講計設訂討論請調談誤諮詢議誘譫識讓謂諾註誌課闌噁囑彌悶癢盜盤礙紋緩莢蒼蝕賁迴農醫間閾階隊隨雖須頑頓頗領頰顫顛飯餵養餓"
    "飢騎驟髮魚麥鹹龜債兩冊凍剛劇匯卻厭問啟嗆嘆嚇園圍圖場墊墜壯夠奪奮寫寧將專島師幫幹廠廢恆慘戶拋採揚換揮搖搶撥擾敵晝柵棄極構樓機欄權"
    "歡歸殺決淨渾準溝滅滾漲漿潤濟濾煉爐爭牆獨獸瑣畢當疊瘋癆監眾睜瞭碼礎禦禿種稱穩窪窮競範築簡簽糞糧納純紙終絕統綜綠緊練縣縫績繞繼纏罰"
    "罷習聳職聾肅脫艱藝莖蓋薦藍虛虧蟲蠟衝製襲訪豐負財貫費資賦趨跡踐輔輩輪辦遊違適鄉鄰醜醬針鈍鋸錐鍵鑒鑑銀鋅錯鉛銅鋁鎂錳鉗聲聯車軌載遷"
    "釋閃陣頁飼願飾館駐駕騷驅鮮鳴黨齧灘竅繫係佔臺乾薩濱紗繃綳裝噴攪縊殞瀦糾絞絨綁綿緻線縈繭纍頦髏鬚魘齲齶尷屆巒癮癬睏矚篩籃緝縐繳膩薑"
    "螢蠶蠻褲贏蹺躍轟鉤鉬鍋鎳鏽鐳鑲鑽閂閒闡韻頌飄饑骯鵝鵑"
)
_SIMPLIFIED = (
    "无见认发现触扪闻显诉检并虑阴阳确异变难为应经术后旧陈过与险风预别亲妈爷于断诊转疗遗传从没觉"
    "们双单张态对来进员节约倾余还给药规则这时尽儿岁质个压结叶积肿疡症残纵动静脉脑头颈颌齿脏胆肾"
    "肠关颅韧带脓溃细钙钠钾红体胶浓气热恶晕呕泻惊烟饮霉灵达吗罗维盐络宫频数匀圆椭边缘锐浅渗实区"
    "条状点块壳团缩扩阔狭宽长径厘侧层横贫湿类损伤创复导电扫颗丝镜剂减轻严远几周内响坏郁滞补产婴"
    "龄妇许选择护测试验连续颜泪举饱荣环样门会"
    "烟较总复仅拟获窦赘疖孪睑髋征松龈里里临悬杂躯迟绪彻级组织链愈酸痹瘫疮疟痉挛痫癫输尘布并只咽碱寻疱脚肤胀脸脐腘胫髌颚颞顶额"
    "颧锁软轴辐闭开隐离项题马笔纪录参听视览阅证据属价劳务备尽优偿划劲势协广库弹弯忧忆惧战击挡担摆摄携败敛暂历枢标桥历毁冲况涡"
    "浊湾烧烫烂尔糖"
    "详说话讯评该讲计设订讨论请调谈误咨询议诱谵识让谓诺注志课阑恶嘱弥闷痒盗盘碍纹缓荚苍蚀贲回农医间阈阶队随虽须顽顿颇领颊颤颠饭喂养饿"
    "饥骑骤发鱼麦咸龟债两册冻刚剧汇却厌问启呛叹吓园围图场垫坠壮够夺奋写宁将专岛师帮干厂废恒惨户抛采扬换挥摇抢拨扰敌昼栅弃极构楼机栏权"
    "欢归杀决净浑准沟灭滚涨浆润济滤炼炉争墙独兽琐毕当叠疯痨监众睁了码础御秃种称稳洼穷竞范筑简签粪粮纳纯纸终绝统综绿紧练县缝绩绕继缠罚"
    "罢习耸职聋肃脱艰艺茎盖荐蓝虚亏虫蜡冲制袭访丰负财贯费资赋趋迹践辅辈轮办游违适乡邻丑酱针钝锯锥键鉴鉴银锌错铅铜铝镁锰钳声联车轨载迁"
    "释闪阵页饲愿饰馆驻驾骚驱鲜鸣党啮滩窍系系占台干萨滨纱绷绷装喷搅缢殒潴纠绞绒绑绵致线萦茧累颏髅须魇龋腭尴届峦瘾癣困瞩筛篮缉绉缴腻姜"
    "萤蚕蛮裤赢跷跃轰钩钼锅镍锈镭镶钻闩闲阐韵颂飘饥肮鹅鹃"
)
# The same of people's names.
_TRADITIONAL_NAMES = (
    "歐劉黃吳趙楊鄭謝蔣韓馮鄧蘇盧賴龔鍾鐘賀龍顧孫錢龐呂閻蕭譚鄒陸湯溫喬齊萬賈魯韋諸塗麗華國偉強軍蘭鳳蓮慶寶飛東貴義禮傑賢輝曉"
    "瓊穎瑩豔雲鋒銘錦愛樂興業勝學鴻鵬濤澤潔瑋瑤凱倫儀億書帥懷憲鎮鐵鋼順誠詩語謙賓軒運夢綺纖聖衛紹聰"
)
_SIMPLIFIED_NAMES = (
    "欧刘黄吴赵杨郑谢蒋韩冯邓苏卢赖龚钟钟贺龙顾孙钱庞吕阎萧谭邹陆汤温乔齐万贾鲁韦诸涂丽华国伟强军兰凤莲庆宝飞东贵义礼杰贤辉晓"
    "琼颖莹艳云锋铭锦爱乐兴业胜学鸿鹏涛泽洁玮瑶凯伦仪亿书帅怀宪镇铁钢顺诚诗语谦宾轩运梦绮纤圣卫绍聪"
)
_TO_SIMPLIFIED = str.maketrans(_TRADITIONAL + _TRADITIONAL_NAMES, _SIMPLIFIED + _SIMPLIFIED_NAMES)
_SAMPLE = 20_000  # characters that are looked at
_HAN_SHARE = 0.15  # a Han character says as much as several letters


def detect_language(text: str) -> str:
    """`zh` where Chinese carries the text, else `en`."""
    sample = text[:_SAMPLE]
    han, latin = len(_HAN.findall(sample)), len(_LATIN.findall(sample))
    return "zh" if han and han / (han + latin) >= _HAN_SHARE else "en"


def has_han(text: str) -> bool:
    """Whether there is any Chinese character."""
    return _HAN.search(text) is not None


def simplified(text: str) -> str:
    """The same text, as long, traditional characters of medical notes and of names simplified."""
    return text.translate(_TO_SIMPLIFIED) if has_han(text) else text
